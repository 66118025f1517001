"""Who is who: pure functions of Arrow tables. Given a model, people are a function of the set of records and decisions, whatever their
order.

Input: a table with the columns of `cdp.records.model.CUSTOMER` and `source` (string) and `record_id` (int64 or string, unique: an opaque
handle that is never compared). Everything returned is aligned with its rows.

    model = train(customers, Options())                                      # no labels
    found = resolve(customers, model=None, options=Options(), decisions=())  # trains where no model is given
    found.cluster[row], found.confidence[cluster], found.links, found.doubtful, found.households[row], found.model, found.stages
    explain(model, customers, a, b)                  # rows a and b: field by field, why they are one person or not
    explain_pattern(model, pattern)                  # the same from the pattern that a link keeps
    evaluate(found.cluster, truth)                   # precision, recall, F1, people reproduced, largest cluster
    Model.from_document(model.to_document())         # a model as JSON

Words: a *pattern* is what a comparison of two records gave, field by field; *evidence* is its log-odds (nats) for one person.
"""

from cdp.identity.evaluation import Evaluation, calibration, evaluate
from cdp.identity.explanation import Explanation, Part, explain, explain_pattern
from cdp.identity.fields import Kind
from cdp.identity.model import Model
from cdp.identity.resolution import Decision, Options, Resolution, Stage, Verdict, resolve, train
from cdp.identity.rules import Rules

__all__ = [
    "Decision",
    "Evaluation",
    "Explanation",
    "Kind",
    "Model",
    "Options",
    "Part",
    "Resolution",
    "Rules",
    "Stage",
    "Verdict",
    "calibration",
    "evaluate",
    "explain",
    "explain_pattern",
    "resolve",
    "train",
]
