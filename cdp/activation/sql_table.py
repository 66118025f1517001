"""A table elsewhere holds one row a person; each batch is one transaction there, and writing it again changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import sqlalchemy as sa

from cdp.activation.channels import Change, Rows
from cdp.activation.errors import DestinationConfig, Undelivered
from cdp.activation.files import unique


class SqlChannel:
    """Rows of `table`, keyed by `profile_id`; the table is made where it is not there."""

    whole = False
    batch = 5000

    def __init__(self, url: str, table: str, headers: Sequence[str]) -> None:
        self.names = [name.lower().replace(" ", "_").replace("/", "_").replace("-", "_") for name in unique(headers)]
        columns = [sa.Column(name, sa.Text) for name in self.names if name != "profile_id"]
        self.table = sa.Table(table, sa.MetaData(), sa.Column("profile_id", sa.String(36), primary_key=True), *columns)
        try:
            self.engine = sa.create_engine(url, poolclass=sa.NullPool)
            self.table.metadata.create_all(self.engine)
            have = {column["name"] for column in sa.inspect(self.engine).get_columns(table)}
        except (sa.exc.SQLAlchemyError, ModuleNotFoundError) as error:
            raise DestinationConfig(f"the database of table {table!r} cannot be used ({type(error).__name__})") from error
        missing = [column.name for column in self.table.columns if column.name not in have]
        if missing:
            raise DestinationConfig(f"table {table!r} lacks the columns {', '.join(missing)}: add them, or name another table")

    def deliver(self, rows: Rows) -> Mapping[int, str]:
        """Replace or delete the rows in one transaction.

        Raises:
            Undelivered: the database did not take them.
        """
        try:
            with self.engine.begin() as connection:
                ids = [{"_id": profile} for profile in rows.profiles]
                connection.execute(self.table.delete().where(self.table.c.profile_id == sa.bindparam("_id")), ids)
                if rows.change is not Change.REMOVED:
                    connection.execute(self.table.insert(), self._records(rows))
        except sa.exc.SQLAlchemyError as error:
            raise Undelivered(f"table {self.table.name!r} did not take the rows ({type(error).__name__})") from error
        return {}

    def _records(self, rows: Rows) -> list[dict[str, str | None]]:
        columns = {name: column.to_pylist() for name, (_, column) in zip(self.names, rows.columns, strict=True) if name != "profile_id"}
        return [{"profile_id": profile, **{n: c[i] for n, c in columns.items()}} for i, profile in enumerate(rows.profiles)]

    def there(self) -> Iterator[str]:
        """The ids of the profiles in the table."""
        with self.engine.connect() as connection:
            for row in connection.execution_options(yield_per=5000).execute(sa.select(self.table.c.profile_id)):
                yield str(row.profile_id)

    def finish(self) -> Sequence[str]:
        """Everything is there already."""
        self.engine.dispose()
        return [self.table.name]

    def abandon(self) -> None:
        """What was committed stays."""
        self.engine.dispose()
