"""If these fail, a journal says less than what happened, or more than fits on a line."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from yolodeploy.core.errors import Failed, RolledBack
from yolodeploy.core.messages import whole
from yolodeploy.core.sentences import Sentence, brief, sentence, sentence_of, words
from yolodeploy.core.steps import Entry, Outcome, Step, entry
from yolodeploy.core.waves import SitePlan, Standing


@given(st.text(max_size=2000), st.text(max_size=2000))
def test_what_is_kept_says_the_same_when_it_is_read(reason: str, holder: str) -> None:
    said = sentence("site.fenced", site="plant", holder=sentence("plan.leased", holder=holder))
    both = sentence("step.both", one=said, other=words(reason))
    read = msgspec.json.decode(msgspec.json.encode(both), type=Sentence)
    assert read == both
    for language in ("en", "zh"):
        told = read.told(language)
        assert told == both.told(language)
        assert len(told.splitlines()) <= 1
        assert "\x1b" not in told
        assert len(told) < 2000


def test_an_error_and_what_is_kept_of_it_say_the_same_in_each_language() -> None:
    nobody = sentence("step.no_instance")
    error = RolledBack("rollout.not_ready", site="plant", seconds=5, reason=nobody)
    kept = sentence_of(error)
    for language in ("en", "zh"):
        assert kept.told(language) == error.whole(language)
        assert kept.text(language) == error.text(language)
    assert error.fields["reason"] == "no instance was started"
    assert "没有启动任何实例" in kept.told("zh")


def test_what_is_got_over_is_told_without_what_would_mend_it_also_when_it_is_read_later() -> None:
    error = Failed("kubernetes.engine_store", path="/tmp/engines", reason="full")
    assert error.remedy()
    said = sentence("engine.at_start", reason=brief(error))
    for language in ("en", "zh"):
        read = msgspec.json.decode(msgspec.json.encode(said), type=Sentence)
        assert read.told(language) == whole(said.code, msgspec.to_builtins(said.fields), language)
        assert error.text(language) in read.told(language)
        assert error.remedy(language) not in read.told(language)


def test_a_plan_of_before_has_its_words_as_they_are() -> None:
    older = SitePlan(site="plant", standing=Standing.GO, engine="brought from quay")
    assert older.told("engine", "zh") == "brought from quay"
    said = {"engine": sentence("engine.brought", sites="quay")}
    newer = SitePlan(site="plant", standing=Standing.GO, engine=older.engine, said=said)
    assert newer.told("engine", "en") == older.engine
    assert newer.told("engine", "zh") == "从 quay 传入"


def test_a_line_of_words_is_read_as_it_is_and_a_new_one_in_the_readers_language() -> None:
    old = Entry(Step.CHECK, Outcome.WAITING, "held: new lens; " + "x" * 900)
    assert old.told("zh") == old.detail
    new = entry(Step.CHECK, Outcome.WAITING, sentence("step.held", reason="new lens"))
    assert (new.detail, new.told("zh")) == ("held: new lens", "已锁定：new lens")
