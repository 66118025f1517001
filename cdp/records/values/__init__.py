"""One file for each kind of value; each cleans a text to its one standard form, or says in a word why it has none.

Every cleaner takes text and its own hints, returns the standard form or None for an empty text, raises `Unclean` for what it cannot
read, and is idempotent: cleaning a cleaned value changes nothing.
"""

from cdp.records.values.text import Unclean as Unclean
