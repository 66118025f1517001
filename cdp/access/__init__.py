"""Who asks, what they may do, what they see of a customer, and the trail of what was done. Default deny."""

from cdp.access.audit import Entry, Verification, audit, entries, verify
from cdp.access.errors import AccessConfigError, AccessError, Forbidden, NotAuthenticated, TooManyAttempts
from cdp.access.keys import ApiKey, authenticate, create_key, list_keys, revoke_key
from cdp.access.policy import FieldPolicy, View, Visibility, load_policy
from cdp.access.principal import ACTIONS, SYSTEM, Principal, Role
from cdp.access.redact import redact_canonical, redact_document, redact_interaction, redact_key, redact_record, redact_summary
from cdp.access.sessions import session_principal, sign_in, sign_out
from cdp.access.users import User, add_user, disable_user, list_users, set_password

__all__ = [
    "ACTIONS",
    "SYSTEM",
    "AccessConfigError",
    "AccessError",
    "ApiKey",
    "Entry",
    "FieldPolicy",
    "Forbidden",
    "NotAuthenticated",
    "Principal",
    "Role",
    "TooManyAttempts",
    "User",
    "Verification",
    "View",
    "Visibility",
    "add_user",
    "audit",
    "authenticate",
    "create_key",
    "disable_user",
    "entries",
    "list_keys",
    "list_users",
    "load_policy",
    "redact_canonical",
    "redact_document",
    "redact_interaction",
    "redact_key",
    "redact_record",
    "redact_summary",
    "revoke_key",
    "session_principal",
    "set_password",
    "sign_in",
    "sign_out",
    "verify",
]
