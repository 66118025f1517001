"""Who is who: pure functions of Arrow tables. Given a model, people are a function of the set of records and decisions, whatever their order.

Input: a table with the columns of `cdp.records.model.CUSTOMER` and `source` (string) and `record_id` (int64 or string, unique: an opaque handle
that is never compared). Everything returned is aligned with its rows.

    model = train(customers, Options())                                     # no labels
    found = resolve(customers, model=None, options=Options(), decisions=())  # trains where no model is given
    found.cluster[row], found.confidence[cluster], found.links, found.doubtful, found.households[row], found.model, found.stages
    explain(found.model, customers.slice(a, 1), customers.slice(b, 1))       # why two records are one person, or not
    evaluate(found.cluster, truth)                                           # precision, recall, F1 …

Words: a *pattern* is what a comparison of two records gave, field by field; *evidence* is its log-odds (nats) for one person.
"""
