"""Run inside Tryton's environment: `trytond-admin` in a quarter of its time, then a company and a key for the REST API, which are printed.

What Tryton ships is not held against its own rules, and not prepared to be translated.
"""

import gc

from trytond.cli.admin import main
from trytond.ir.translation import Translation
from trytond.model import ModelStorage
from trytond.pool import Pool
from trytond.transaction import Transaction

gc.disable()
with_rules, ModelStorage._validate = ModelStorage.__dict__["_validate"], classmethod(lambda cls, records, field_names=None: None)
with_translations, Translation.set_ids = Translation.__dict__["set_ids"], classmethod(lambda cls, *_: None)
main()
ModelStorage._validate, Translation.set_ids = with_rules, with_translations

pool = Pool("shop")
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
