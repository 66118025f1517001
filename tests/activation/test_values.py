"""Known answers: what each platform's own documentation says comes out."""

from __future__ import annotations

import pytest

from cdp.activation import values

SHA = values.sha256


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (SHA(values.google_email("test@example.com") or ""), "973dfe463ec85785f5f95af5ba3906eedb2d931c24e69824a89ea65dba4e813b"),
        (
            SHA(values.google_email("cloudy.sanfrancisco+shopping@gmail.com") or ""),
            "223ebda6f6889b1494551ba902d9d381daf2f642bae055888e96343d53e9f9c4",
        ),
        (
            SHA(values.google_email(" user.name+NYC@Example.com ") or ""),
            "f109a2a632fbcea5fc82049f50beed3d8621bf9034399f437fb622222acccdac",
        ),
        (SHA(values.google_phone("(800)555-0100", "US") or ""), "fb4f73a6ec5fdb7077d564cdd22c3554b43ce49168550c3b12c547b78c517b30"),
        (SHA(values.google_phone("+1 800 555-0100") or ""), "fb4f73a6ec5fdb7077d564cdd22c3554b43ce49168550c3b12c547b78c517b30"),
        (SHA(values.meta_phone("+18005550100") or ""), "92cfdc5fbcd4a20fbe5d3857af6c1aba31762105bba7f21a17155e920653046c"),
        (SHA(values.meta_city("Menlo Park") or ""), "0007a3d64c01e23d5075203c5977c14e4f7e01a3fc570686fcc50b5e1dd42685"),
        (SHA("US".lower()), "79adb2a2fce5c6ba215fe5f27f532d4e7edbac4b6a5e09e1ef3a08084a904621"),
        (values.mailchimp_member("Urist.McVankab@freddiesjokes.com"), "62eeb292278cc15f5817cb78f7790b08"),
        (values.mailchimp_member("test@example.com"), "55502f40dc8b7c769880b10874abc9d0"),
        (values.sha1(values.liveramp_phone("+1 (555) 123-4567") or ""), "b8e04c986aa87857dfb4d364371d1a4195abf1bb"),
        (SHA(values.liveramp_email(" My Name@LiveRamp.com") or ""), "ad474377422023fe13c6421afa7958559ee3ce1c5aa8395e92140cc09912c1be"),
    ],
)
def test_known_answers(made: str, expected: str) -> None:
    assert made == expected


def test_a_hash_is_not_hashed_again() -> None:
    with pytest.raises(values.AlreadyHashed):
        values.sha256("973dfe463ec85785f5f95af5ba3906eedb2d931c24e69824a89ea65dba4e813b")


def test_the_platforms_differ_where_they_must() -> None:
    assert values.google_phone("+18005550100") != values.meta_phone("+18005550100")
    assert values.google_email("a.b+c@gmail.com") == "ab@gmail.com"
    assert values.meta_email("a.b+c@gmail.com") == "a.b+c@gmail.com"


@pytest.mark.parametrize(
    ("rule", "text", "expected"),
    [
        (values.google_given_name, " Mrs.  Mary  Ann ", "mary ann"),
        (values.google_family_name, "O'Brien, Jr.", "obrien"),
        (values.google_email, "no address", None),
        (values.meta_name, "  Müller-Lüdenscheidt ", "müllerlüdenscheidt"),
        (values.meta_gender, "nonbinary", None),
        (values.meta_gender, "Female", "f"),
        (values.meta_phone, "0049 30 23125123", "493023125123"),
        (values.liveramp_phone, "+18005550100", "8005550100"),
        (values.liveramp_phone, "+49 30 23125123", "3023125123"),
        (values.liveramp_phone, "+493023125123", "3023125123"),
        (values.liveramp_phone, "+390612345678", "0612345678"),
        (values.liveramp_zip, "94105-1234", "941051234"),
        (values.mailchimp_email, "jürgen@example.org", None),
        (values.mailchimp_text, "ä" * 200, "ä" * 127),
        (values.mailchimp_birthday, "1980-03-14", "03/14"),
        (values.mailchimp_birthday, "1980", None),
        (values.formula_safe, "=1+1", "'=1+1"),
        (values.formula_safe, "+1800", "'+1800"),
        (values.formula_safe, "O'Brien", "O'Brien"),
        (values.formula_safe, "＝1+1", "'＝1+1"),
        (values.formula_safe, "\n=1+1", "'\n=1+1"),
    ],
)
def test_normalisation(rule: object, text: str, expected: str | None) -> None:
    assert rule(text) == expected


@pytest.mark.parametrize(
    ("written", "country", "sent"),
    [
        ("94105-1234", "US", "94105"),
        ("SW1A 1AA", "GB", "sw1a1"),
        ("M1 1AE", "GB", "m11"),
        ("SW1A", "GB", "sw1a"),
        ("10115", "DE", "10115"),
        ("00-950", "PL", "00950"),
        ("1000–001", "PT", "1000001"),
    ],
)
def test_zip_of_meta(written: str, country: str, sent: str) -> None:
    assert values.meta_zip(written, country) == sent


@pytest.mark.parametrize(
    ("written", "country", "sent"),
    [
        ("California", "US", "ca"),
        ("ca", "US", "ca"),
        ("D.C.", "US", "dc"),
        ("Kalifornien", "US", None),
        ("Île-de-France", "FR", "îledefrance"),
    ],
)
def test_state_of_meta_is_two_letters_in_the_united_states_only(written: str, country: str, sent: str | None) -> None:
    assert values.meta_state(written, country) == sent
