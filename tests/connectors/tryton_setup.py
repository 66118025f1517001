"""Run inside Tryton's own environment: a company, and a key for the REST API. Prints the key."""

import sys

from trytond.config import config

config.update_etc(sys.argv[1])

from trytond.pool import Pool  # noqa: E402  # after the configuration
from trytond.transaction import Transaction  # noqa: E402  # after the configuration

Pool.start()
pool = Pool("shop")
with Transaction().start("shop", 0):
    pool.init()
with Transaction().start("shop", 1, context={"active_test": False}) as transaction:
    User, Party, Company, Currency = (pool.get(name) for name in ("res.user", "party.party", "company.company", "currency.currency"))
    (currency,) = Currency.create([{"name": "Euro", "code": "EUR", "symbol": "EUR", "numeric_code": "978"}])
    (owner,) = Party.create([{"name": "Shop"}])
    (company,) = Company.create([{"party": owner.id, "currency": currency.id}])
    (admin,) = User.search([("login", "=", "admin")])
    User.write([admin], {"companies": [("add", [company.id])], "company": company.id})
    Application = pool.get("res.user.application")
    (application,) = Application.create([{"user": admin.id, "application": "rest", "state": "validated"}])
    transaction.commit()
    print(f"key={application.key}")
    print(f"company={company.id}")
    print(f"currency={currency.id}")
