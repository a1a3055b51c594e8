"""If these fail, a command reaches sites that nobody meant, or leaves one out that was meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yolodeploy.core.errors import UsageError
from yolodeploy.core.selectors import LONGEST, fits, parse_selector

keys = st.sampled_from(["line", "env", "hall", "gpu", "厂房"])
values = st.sampled_from(["1", "2", "test", "a b", "", "东"])
labels = st.dictionaries(keys, values, max_size=5)


@given(labels, keys, values)
def test_each_relation_is_the_other_one_turned_round(
    have: dict[str, str], key: str, value: str
) -> None:
    for yes, no in (
        (f"{key}={value}", f"{key}!={value}"),
        (f"{key} in ({value})", f"{key} notin ({value})"),
        (key, f"!{key}"),
    ):
        assert fits(parse_selector(yes), have) is not fits(parse_selector(no), have)
    assert fits(parse_selector(f"{key}={value}"), have) is (have.get(key) == value)
    assert fits(parse_selector(key), have) is (key in have)


@given(labels, st.lists(st.tuples(keys, values), max_size=6))
def test_all_parts_must_fit(have: dict[str, str], asked: list[tuple[str, str]]) -> None:
    text = ",".join(f"{key}={value}" for key, value in asked)
    assert fits(parse_selector(text), have) is all(have.get(k) == v for k, v in asked)


@given(labels, keys, st.lists(values, min_size=1, unique=True))
def test_a_list_is_any_of_its_values(have: dict[str, str], key: str, listed: list[str]) -> None:
    asked = parse_selector(f"{key} in ({', '.join(listed)})")
    assert fits(asked, have) is (have.get(key) in listed)


def test_what_is_written_as_kubectl_takes_it() -> None:
    have = {"line": "3", "env": "live", "hall": "b", "gpu": ""}
    for text in ("", "  ", "line=3", "line==3", "line = 3", "line=3, env!=test", "gpu,!spare",
                 "hall in (a,b),gpu", "hall in ( a , b )", "hall notin (c)", "lost!=x",
                 "lost notin (x)"):  # fmt: skip
        assert fits(parse_selector(text), have), text
    for text in ("line=4", "env!=live", "hall in (a)", "hall notin (b)", "spare", "!gpu", "gpu=x",
                 "line=3,env=test", "lost=x", "lost in (x)"):  # fmt: skip
        assert not fits(parse_selector(text), have), text


@pytest.mark.parametrize("text", [
    ",", "a,,b", "a=b=c", "=", "=a", "!", "!!a", "a in b", "a in (b", "in (a)", "(a)", "a (b)",
    "a!b", "a in (b),", "a in ((b))", "a b",
])  # fmt: skip
def test_what_asks_nothing_of_a_label_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_selector(text)
    assert raised.value.code == "selector.invalid"


def test_a_selector_is_no_place_for_a_novel() -> None:
    for text in ("a" * (LONGEST + 1), "," * LONGEST, "(" * LONGEST, "a in (" * 300, "!" * LONGEST):
        with pytest.raises(UsageError) as raised:
            parse_selector(text)
        assert len(raised.value.text()) < 1000
