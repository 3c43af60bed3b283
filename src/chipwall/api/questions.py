"""Where a question belongs: from words of a person to the room that answers them, with its parameters."""

from __future__ import annotations

import re

from chipwall.api.rooms import NamedThings, home_of, named_in, plain_word
from chipwall.errors import ChipwallError

__all__ = ["destination"]

_COMPARED = re.compile(r"\b(?:vs\.?|versus|compare[ds]?|or|better than|faster than)\b|对比|比较|相比|还是|和.*哪个", re.IGNORECASE)
_LAW = re.compile(
    r"licen[cs]e|export|allowed|may\b|legal|control|ban(?:ned)?\b|sell|sold|ship|许可|出口|管制|禁|能不能卖|可以卖|卖给|运往",
    re.IGNORECASE,
)
_PLAN = re.compile(r"how many|req/?s|requests? per second|cost|how much does|多少(?:张|块|卡|片)|每秒请求|成本|要花", re.IGNORECASE)
_SERVE = re.compile(r"serv|infer|tok(?:en)?s?/s|throughput|latency|fast|run\b|推理|吞吐|延迟|部署|多快|跑", re.IGNORECASE)
_MARKET = re.compile(r"what (?:if|happens|changes|would)|scenario|effect of|impact|如果|影响|后果|情景|会怎样", re.IGNORECASE)
_QUESTION = re.compile(r"[?？]\s*$|^(?:can|may|how|what|which|is|does|will|should)\b|吗[?？]?$|什么|怎么|哪|多少", re.IGNORECASE)


def destination(words: str) -> tuple[str, dict[str, str]]:
    """The page that answers some words, with its parameters."""
    words = re.sub(r"(?<![\w.])\d{1,5} ?[x×] ?(?=[A-Za-z])", "", words.strip())  # 8xH20 is about the H20
    if len(words) > 400 or "\n" in words:
        return "/check", {"text": words}
    named = named_in(words)
    if len(named.chips) > 1 and _COMPARED.search(words) and not named.models:
        return "/compare", {"chips": ",".join(named.chips)}
    parts = [_spelled(part.strip(" ?？")) for part in _COMPARED.split(words)]
    if len(parts) > 1 and all(part.startswith("/chips/") for part in parts):
        return "/compare", {"chips": ",".join(part.removeprefix("/chips/") for part in parts)}
    home = home_of(words) or _spelled(words)
    if home:
        return home, {}
    if named.models and (_PLAN.search(words)):
        return "/plan", {"model": named.models[0], "chips": ",".join(named.chips)}
    if named.models and (named.chips or _SERVE.search(words)):
        return "/perform", {"model": named.models[0], "chips": ",".join(named.chips)}
    if _MARKET.search(words) and not named.models:
        return "/market", {"q": words}
    if named.chips and (_LAW.search(words) or named.countries) and (_QUESTION.search(words) or not named.amounts):
        place = {"to": named.countries[0]} if named.countries else {}
        return f"/law/{named.chips[0]}", place | _day(named)
    if named.chips and not _QUESTION.search(words) and len(words) > 25:
        return "/check", {"text": words}
    if len(named.chips) == 1 and len(words) < 60:
        return f"/chips/{named.chips[0]}", {}
    return "/search", {"q": words}


def _day(named: NamedThings) -> dict[str, str]:
    return {"on": named.days[0].isoformat()} if named.days else {}


def _spelled(words: str) -> str:
    """The page of a chip or a model in any spelling that the catalogue resolves without asking back."""
    import chipwall as cw

    if not words or len(words) > 60 or len(words.split()) > 5:
        return ""
    for room, find in (("chips", cw.chip), ("models", cw.model)):
        try:
            return f"/{room}/{find(plain_word(words, 'name')).id}"
        except ChipwallError:
            continue
    return ""
