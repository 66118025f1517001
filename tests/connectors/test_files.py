"""A file gives every good row once, every bad one as refused with its place, and nothing when it has not changed."""

from __future__ import annotations

import gzip
import io
import json
import os
import random
import sys
import time
import tracemalloc
import zipfile
from datetime import date, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from connectors.contract import ConfigError, ContractError, Page
from connectors.files import FilesSource, delimited


def read(path: Path | str, bookmark: Any = None, stream: str | None = None, **config: Any) -> list[Page]:
    source = FilesSource({"path": str(path), **config})
    return list(source.read(stream or source.streams()[0].name, bookmark))


def rows(pages: list[Page]) -> list[dict[str, Any]]:
    return [row for page in pages for row in (page.rows.to_pylist() if isinstance(page.rows, pa.Table) else page.rows)]


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def numbers(pages: list[Page]) -> list[int]:
    return [page.number(i) for page in pages for i in range(len(page.rows))]


# --- delimited text --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp1252"])
@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
def test_encoding_and_delimiter_are_found(tmp_path: Path, encoding: str, sign: str) -> None:
    lines = [["id", "name", "city"], ["1", "Müller", "Köln"], ["2", "Größ", "Düsseldorf"], ["3", "Café", "Åland"]]
    path = write(tmp_path, "a.csv", "\r\n".join(sign.join(cells) for cells in lines).encode(encoding))
    assert rows(read(path)) == [dict(zip(lines[0], cells, strict=True)) for cells in lines[1:]]


def test_ascii_head_with_a_late_cp1252_sign(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", b"id,name\n" + b"1,aaaa\n" * 300_000 + "2,José Muñoz\n3,Zoë Brontë\n".encode("cp1252"))
    assert rows(read(path))[-2:] == [{"id": "2", "name": "José Muñoz"}, {"id": "3", "name": "Zoë Brontë"}]


def test_undecodable_row_is_refused_and_the_rest_kept(tmp_path: Path) -> None:
    good = "".join(f"{i},Müller\n" for i in range(20))
    pages = read(write(tmp_path, "a.csv", b"id,name\n" + good.encode() + b"20,M\xfcller\n21,X\n"))
    assert [row["id"] for row in rows(pages)] == [*map(str, range(20)), "21"]
    (refused,) = pages[0].refused
    assert (refused.reason, refused.field) == ("undecodable", "name")
    assert refused.place.endswith("a.csv, row 22")
    assert refused.raw == {"id": "20", "name": {"_bytes": "TfxsbGVy"}}
    assert numbers(pages)[-1] == 23


def test_malformed_rows_keep_their_number(tmp_path: Path) -> None:
    pages = read(write(tmp_path, "a.csv", "a,b,c\n1,2,3\n4,5\n6,7,8\n6,7,8,9\n9,9,9\n1\n"))
    assert [row["a"] for row in rows(pages)] == ["1", "6", "9"]
    assert numbers(pages) == [2, 4, 6]
    assert [(r.reason, r.place.rsplit(" ", 1)[1], r.raw) for p in pages for r in p.refused] == [
        ("wrong_field_count", "3", "4,5"),
        ("wrong_field_count", "5", "6,7,8,9"),
        ("wrong_field_count", "7", "1"),
    ]


def test_quoted_newlines_and_delimiters_stay_in_the_cell(tmp_path: Path) -> None:
    pages = read(write(tmp_path, "a.csv", 'id,note\n1,"two\nlines, ""quoted"""\n2,x\n'))
    assert rows(pages) == [{"id": "1", "note": 'two\nlines, "quoted"'}, {"id": "2", "note": "x"}]


@pytest.mark.parametrize(
    ("broken", "later"),
    [('3,"open,c', ""), ('3,4,"open', ""), ('"open,4,c', ""), ('3,"open,c', '8,"quoted, well",c\n'), ('3,4,"open', '8,"quoted, well",c\n')],
)
def test_unclosed_quote_costs_one_line(tmp_path: Path, broken: str, later: str) -> None:
    pages = read(write(tmp_path, "a.csv", f"a,b,c\n1,2,x\n{broken}\n5,6,y\n7,8,z\n{later}"))
    assert [row["a"] for row in rows(pages)] == ["1", "5", "7", *(["8"] if later else [])]
    assert [refused.reason for page in pages for refused in page.refused] == ["unclosed_quote"]
    assert numbers(pages)[:3] == [2, 4, 5]


def test_stray_quote_inside_a_cell_is_a_sign_like_any_other(tmp_path: Path) -> None:
    assert rows(read(write(tmp_path, "a.csv", 'a,b\n1,5" pipe\n2,x\n'))) == [{"a": "1", "b": '5" pipe'}, {"a": "2", "b": "x"}]


def test_cell_of_ten_megabytes_and_nul_bytes_pass(tmp_path: Path) -> None:
    pages = read(write(tmp_path, "a.csv", b"a,b\n1," + b"x" * 10_000_000 + b"\n2,nu\x00l\n"))
    assert [len(row["b"]) for row in rows(pages)] == [10_000_000, 4]


def test_header_is_detected(tmp_path: Path) -> None:
    assert rows(read(write(tmp_path, "a.csv", "1,ann@example.org\n2,bob@example.org\n")))[0] == {
        "column_1": "1",
        "column_2": "ann@example.org",
    }
    assert rows(read(write(tmp_path, "b.csv", "name,name,\nx,y,z\n")))[0] == {"name": "x", "name_2": "y", "column_3": "z"}
    assert rows(read(write(tmp_path, "c.csv", "sep=;\na;b\n1;2\n"))) == [{"a": "1", "b": "2"}]
    assert len(rows(read(write(tmp_path, "d.csv", "a,b\nc,d\n"), header=False))) == 2


def test_pages_have_batch_rows_and_count_on(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "id\n" + "".join(f"{i}\n" for i in range(250)))
    pages = read(path, batch_rows=100)
    assert [len(page.rows) for page in pages] == [100, 100, 50]
    assert [page.first_row for page in pages] == [2, 102, 202]
    assert pages[0].total == 250


def test_fast_and_slow_way_agree(tmp_path: Path) -> None:
    draw = random.Random(7)
    for case in range(60):
        cells = ["x", "", "ä", '"q"', '"a,b"', '"l\nm"', '"d""d"', "1"]
        lines = [",".join(draw.choice(cells) for _ in range(draw.choice([3, 3, 3, 3, 2, 4]))) for _ in range(draw.randrange(1, 30))]
        body = "\n".join(["h1,h2,h3", *lines]) + "\n"
        fast = read(write(tmp_path, f"f{case}.csv", body))
        slow = read(write(tmp_path, f"s{case}.csv", body + 'x,5" stray,z\n'))
        assert rows(slow)[:-1] == rows(fast)
        assert [r.place.rsplit(" ", 1)[1] for p in slow for r in p.refused] == [r.place.rsplit(" ", 1)[1] for p in fast for r in p.refused]


def test_memory_is_flat_and_reading_is_fast(tmp_path: Path) -> None:
    line = "12345,Ann,Smith,ann.smith@example.org,+44 20 7946 0000,1980-01-02,London\n"
    path = write(tmp_path, "big.csv", "id,given,family,email,phone,born,city\n" + line * 1_000_000)
    pa.default_memory_pool().release_unused()
    began, before, peak, count = time.process_time(), pa.total_allocated_bytes(), 0, 0
    source = FilesSource({"path": str(path)})
    for page in source.read("big"):
        count += len(page.rows)
        peak = max(peak, pa.total_allocated_bytes() - before)
    assert count == 1_000_000
    assert peak < 64 << 20
    assert count / (time.process_time() - began) > 150_000


# --- JSON ------------------------------------------------------------------------------------------------------------------


def test_json_lines_keep_good_lines(tmp_path: Path) -> None:
    pages = read(write(tmp_path, "a.jsonl", '{"id": 1}\n\n{"id": \n[1]\n{"id": 123456789012345678901234567890}\n'))
    assert rows(pages) == [{"id": 1}, {"id": 123456789012345678901234567890}]
    assert [(r.reason, r.place.rsplit(" ", 1)[1]) for r in pages[0].refused] == [("malformed_json", "3"), ("not_an_object", "4")]
    assert numbers(pages) == [1, 5]


@pytest.mark.parametrize("wrap", ["{}", '{{"data": {}}}'])
def test_json_array_is_read_element_by_element(tmp_path: Path, wrap: str) -> None:
    wanted = [{"id": i, "text": "ü" * (i % 7000)} for i in range(500)]
    path = write(tmp_path, "a.json", wrap.format(json.dumps(wanted)))
    assert rows(read(path, batch_rows=100)) == wanted


def test_json_array_cut_short_says_so(tmp_path: Path) -> None:
    path = write(tmp_path, "a.json", '[{"id": 1}, {"id": 2}')
    with pytest.raises(ContractError, match="cut short"):
        read(path)


def test_json_array_is_flat_in_memory(tmp_path: Path) -> None:
    path = write(tmp_path, "a.json", "[" + ",".join(['{"id": 1, "text": "' + "x" * 1000 + '"}'] * 40_000) + "]")
    source = FilesSource({"path": str(path), "batch_rows": 1000})
    tracemalloc.start()
    assert sum(len(page.rows) for page in source.read("a")) == 40_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 << 20


# --- Parquet, archives -----------------------------------------------------------------------------------------------------


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    table = pa.table({"id": [1, 2], "at": [datetime(2026, 1, 1), None], "tags": [["a"], []]})
    pq.write_table(table, tmp_path / "a.parquet")
    pages = read(tmp_path / "a.parquet")
    assert pages[0].rows.schema == table.schema
    assert rows(pages) == table.to_pylist()


def test_gzip_and_zip(tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress("id;näme\n1;ä\n".encode("cp1252")))
    assert rows(read(tmp_path / "a.csv.gz")) == [{"id": "1", "näme": "ä"}]
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("people.csv", "id,n\n1,x\n")
        archive.writestr("orders.jsonl", '{"id": 7}\n')
    source = FilesSource({"path": str(tmp_path / "b.zip")})
    assert {stream.name: rows(list(source.read(stream.name))) for stream in source.streams()} == {
        "people": [{"id": "1", "n": "x"}],
        "orders": [{"id": 7}],
    }


def test_broken_archives_and_files_are_named(tmp_path: Path) -> None:
    for name in ("a.csv.gz", "b.zip", "c.parquet", "d.xlsx"):
        path = write(tmp_path, name, b"\x1f\x8b no archive at all")
        with pytest.raises(ConfigError, match=name):
            read(path)


# --- Excel -----------------------------------------------------------------------------------------------------------------


def workbook(path: Path, *sheets: tuple[str, list[list[Any]], list[str]]) -> Path:
    book = openpyxl.Workbook()
    assert book.active is not None
    book.remove(book.active)
    for title, cells, merged in sheets:
        page = book.create_sheet(title)
        for row in cells:
            page.append(row)
        for area in merged:
            page.merge_cells(area)
    book.save(path)
    return path


def test_one_stream_a_sheet_with_dates_and_numbers(tmp_path: Path) -> None:
    people = (
        "Kunden",
        [["Nr", "Name", "Geboren", "Seit"], [1, "Ann", date(1980, 1, 2), datetime(2026, 1, 1, 9, 30)], [2.5, True, None, "#N/A"]],
        [],
    )
    source = FilesSource({"path": str(workbook(tmp_path / "a.xlsx", people, ("Orders 2026", [["id"], [1]], []), ("Empty", [], [])))})
    assert [stream.name for stream in source.streams()] == ["kunden", "orders_2026"]
    pages = list(source.read("kunden"))
    assert rows(pages) == [
        {"Nr": "1", "Name": "Ann", "Geboren": "1980-01-02", "Seit": "2026-01-01T09:30:00"},
        {"Nr": "2.5", "Name": "true", "Geboren": None, "Seit": None},
    ]
    assert pages[0].first_row == 2


def test_merged_header_over_two_rows_joins_both(tmp_path: Path) -> None:
    cells = [
        ["Branch Berlin", None, None, None],
        ["No", "Name", None, "E-mail"],
        [None, "First", "Last", None],
        [1, "Ann", "Smith", "ann@example.org"],
        [2, "Bob", "Jones", None],
    ]
    path = workbook(tmp_path / "a.xlsx", ("S", cells, ["A1:D1", "B2:C2", "A2:A3", "D2:D3"]))
    pages = read(path)
    assert rows(pages)[0] == {"No": "1", "Name First": "Ann", "Name Last": "Smith", "E-mail": "ann@example.org"}
    assert pages[0].first_row == 4


def test_merged_header_over_one_row_is_filled_and_numbered(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", ("S", [["No", "Phone", None], [1, "1", "2"], [2, "3", "4"]], ["B1:C1"]))
    assert rows(read(path))[0] == {"No": "1", "Phone": "1", "Phone_2": "2"}


def test_merged_cells_in_the_body_hold_for_each_row(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", ("S", [["Branch", "Name"], ["Berlin", "Ann"], [None, "Bob"], ["Bonn", "Cy"]], ["A2:A3"]))
    assert [row["Branch"] for row in rows(read(path))] == ["Berlin", "Berlin", "Bonn"]


# --- which files, and when -------------------------------------------------------------------------------------------------


def test_unchanged_file_is_not_read_again(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "id,n\n1,x\n2,y\n")
    first = read(path, batch_rows=1)
    assert first[0].bookmark["files"] == {}
    (again,) = read(path, json.loads(json.dumps(first[-1].bookmark)))
    assert again.unchanged
    assert not again.rows
    os.utime(path, (1, 1))
    assert read(path, again.bookmark)[0].unchanged
    path.write_text("id,n\n1,x\n2,z\n")
    assert len(rows(read(path, again.bookmark))) == 2
    assert len(rows(read(path, again.bookmark, delimiter=";"))) == 2


def test_glob_stream_reads_only_what_is_new(tmp_path: Path) -> None:
    write(tmp_path, "o1.csv", "id,n\n1,x\n")
    write(tmp_path, "o2.csv", "id,n\n2,x\n")
    source = FilesSource({"path": str(tmp_path), "streams": {"orders": "o*.csv"}})
    assert not source.streams()[0].complete
    pages = list(source.read("orders"))
    assert [row["id"] for row in rows(pages)] == ["1", "2"]
    after_one = list(FilesSource({"path": str(tmp_path), "streams": {"orders": "o*.csv"}}).read("orders", pages[0].bookmark))
    assert [row["id"] for row in rows(after_one)] == ["2"]
    write(tmp_path, "o3.csv", "id,n\n3,x\n")
    later = list(FilesSource({"path": str(tmp_path), "streams": {"orders": "o*.csv"}}).read("orders", pages[-1].bookmark))
    assert [row["id"] for row in rows(later)] == ["3"]


def test_complete_glob_reads_all_when_one_changed_or_went(tmp_path: Path) -> None:
    config = {"path": str(tmp_path), "streams": {"p": {"path": "*.csv", "complete": True}}}
    write(tmp_path, "1.csv", "id,n\n1,x\n")
    other = write(tmp_path, "2.csv", "id,n\n2,x\n")
    bookmark = list(FilesSource(config).read("p"))[-1].bookmark
    assert next(FilesSource(config).read("p", bookmark)).unchanged
    other.write_text("id,n\n9,x\n")
    changed = list(FilesSource(config).read("p", bookmark))
    assert [row["id"] for row in rows(changed)] == ["1", "9"]
    resumed = list(FilesSource(config).read("p", changed[0].bookmark))
    assert [row["id"] for row in rows(resumed)] == ["1", "9"]
    other.unlink()
    assert [row["id"] for row in rows(list(FilesSource(config).read("p", changed[-1].bookmark)))] == ["1"]


def test_folder_gives_a_stream_for_each_file(tmp_path: Path) -> None:
    write(tmp_path, "Customers 2026.csv", "id,n\n1,x\n")
    write(tmp_path, "orders.jsonl", '{"id": 1}\n')
    write(tmp_path, "readme.md", "no data")
    assert [stream.name for stream in FilesSource({"path": str(tmp_path)}).streams()] == ["customers_2026", "orders"]


def test_memory_file_system_stands_for_any_url() -> None:
    import fsspec

    fs = fsspec.filesystem("memory")
    fs.pipe("/drop/a.csv", b"id,n\n1,x\n")
    first = read("memory://drop/a.csv")
    assert rows(first) == [{"id": "1", "n": "x"}]
    assert read("memory://drop/a.csv", first[-1].bookmark)[0].unchanged


def test_errors_name_the_cure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.csv: no such file"):
        read(tmp_path / "nowhere.csv")
    with pytest.raises(ContractError, match=r"a\.csv: the file is empty"):
        read(write(tmp_path, "a.csv", ""))
    monkeypatch.setitem(sys.modules, "gcsfs", None)  # as where it is not installed
    monkeypatch.setattr(import_module("fsspec.registry"), "_registry", {})
    with pytest.raises(ConfigError, match=r"customer-data-platform\[gcs\]"):
        read("gs://bucket/a.csv")
    with pytest.raises(ConfigError, match="Set `format`"):
        read(write(tmp_path, "a.dat", "x"))
    with pytest.raises(ConfigError, match="no stream 'x'"):
        read(write(tmp_path, "b.csv", "a,b\n1,2\n"), stream="x")
    with pytest.raises(ConfigError, match="Set `encoding`"):
        read(tmp_path / "b.csv", encoding="klingon")


def test_streams_on_several_file_systems_are_several_sources(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id\n1\n")
    with pytest.raises(ConfigError, match="several file systems"):
        FilesSource({"streams": {"a": "memory://b.csv", "b": str(tmp_path / "a.csv")}}).streams()


def test_a_page_of_wide_rows_ends_sooner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.files.read._MOST", 100_000)
    path = write(tmp_path, "a.csv", "id,text\n" + "".join(f"{i},{'x' * 40_000}\n" for i in range(400)))
    pages = read(path, batch_rows=250)
    assert [row["id"] for row in rows(pages)] == [str(i) for i in range(400)]
    assert len(pages[0].rows) < 250
    assert pages[1].first_row == pages[0].first_row + len(pages[0].rows)


def test_a_declared_path_that_names_nothing_stops_only_its_stream(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", "id,n\n1,x\n")
    source = FilesSource({"path": str(tmp_path), "streams": {"people": "a.csv", "orders": "orders/*.csv", "bills": "b.csv"}})
    assert [stream.name for stream in source.streams()] == ["people", "orders", "bills"]
    assert rows(list(source.read("people"))) == [{"id": "1", "n": "x"}]
    for stream, path in (("orders", r"orders/\*\.csv"), ("bills", r"b\.csv")):
        with pytest.raises(ConfigError, match=f"{path}: no such file, and nothing matches it"):
            list(source.read(stream))


def test_a_broken_file_in_a_folder_stops_only_its_stream(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", "id,n\n1,x\n")
    write(tmp_path, "b.xlsx", b"no workbook")
    write(tmp_path, "c.zip", b"no archive")
    source = FilesSource({"path": str(tmp_path)})
    assert [stream.name for stream in source.streams()] == ["a", "b", "c"]
    assert rows(list(source.read("a"))) == [{"id": "1", "n": "x"}]
    for stream in ("b", "c"):
        with pytest.raises(ConfigError, match=rf"{stream}\.(xlsx|zip): no "):
            list(source.read(stream))


def test_what_is_read_ahead_is_a_part_of_a_big_file(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", b"id,text\n" + (b"1," + b"x" * 50_000 + b"\n") * 1_400)
    reading = FilesSource({"path": str(path), "batch_rows": 10}).read("a")
    tracemalloc.start()
    next(reading)
    time.sleep(0.3)  # for whom reads ahead to come as far as it may
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert held < 45 << 20


class Slow(io.BytesIO):
    """A stream that tells how often it was read."""

    reads = 0

    def read(self, size: int | None = -1) -> bytes:
        self.reads += 1
        time.sleep(0.005)
        return super().read(size)


def test_nothing_is_read_any_more_when_reading_ends_early(monkeypatch: pytest.MonkeyPatch) -> None:
    """Arrow reads ahead in threads of its own, which must not outlive the file."""
    monkeypatch.setattr(delimited, "BLOCK", 1 << 12)
    raw = Slow(b"id,name\n" + b"".join(b"%d,name %d\n" % (n, n) for n in range(20_000)))
    rows = delimited.read(raw, delimited.guess("id,name\n1,name 1\n2,name 2\n", None, None), "x.csv", False, lambda: raw)
    next(rows)
    rows.close()
    before = raw.reads
    time.sleep(0.1)
    assert raw.reads == before
