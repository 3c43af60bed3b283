"""Names of makers and chips as Chinese papers write them: 华为昇腾 910C, 寒武纪思元 590, 英伟达 H200.

Only the names of the catalogue are changed, and only where a name stands alone as a value: titles of sources stay as they
were published.
"""

from __future__ import annotations

from functools import cache

__all__ = ["chinese_name", "short_name"]

# longest beginnings first; what follows keeps its spelling, set off by a space
_BEGINNINGS: tuple[tuple[str, str], ...] = (
    ("Alibaba T-Head PPU (Zhenwu 810E)", "阿里平头哥真武 810E"),
    ("Alibaba Hanguang ", "阿里平头哥含光 "),
    ("Alibaba Zhenwu ", "阿里平头哥真武 "),
    ("Alibaba T-Head", "阿里平头哥"),
    ("Baidu Kunlun ", "百度昆仑芯 "),
    ("Cambricon MLU", "寒武纪思元 "),
    ("Huawei Ascend ", "华为昇腾 "),
    ("Huawei ", "华为 "),
    ("Iluvatar TianGai ", "天数智芯天垓 "),
    ("Moore Threads ", "摩尔线程 "),
    ("MetaX ", "沐曦曦云 "),
    ("Biren ", "壁仞 "),
    ("Enflame ", "燧原 "),
    ("Hygon DCU ", "海光 DCU "),
    ("NVIDIA ", "英伟达 "),
    ("Google ", "谷歌 "),
    ("Intel ", "英特尔 "),
    ("AWS ", "亚马逊 "),
    ("Apple ", "苹果 "),
    ("Microsoft ", "微软 "),
    ("Qualcomm ", "高通 "),
)
# the usual bin of a family needs no suffix
_USUAL = (" SXM", " 96GB", " OAM")
_MAKERS = {
    "NVIDIA": "英伟达", "AMD": "AMD", "Huawei": "华为", "Cambricon": "寒武纪", "Alibaba T-Head": "阿里平头哥", "Baidu": "百度",
    "Biren": "壁仞科技", "Enflame": "燧原科技", "Hygon": "海光", "Iluvatar": "天数智芯", "MetaX": "沐曦",
    "Moore Threads": "摩尔线程",
    "Google": "谷歌", "Intel": "英特尔", "Amazon": "亚马逊", "Apple": "苹果", "Microsoft": "微软", "Qualcomm": "高通",
    "SMIC": "中芯国际", "TSMC": "台积电", "Samsung": "三星",
}  # fmt: skip


def _said_in_chinese(name: str) -> str:
    for beginning, chinese in _BEGINNINGS:
        if name.startswith(beginning):
            return (chinese + name[len(beginning) :]).strip()
    return name


def _without_maker(chinese: str) -> str:
    """A Chinese name of a chip without its maker, as labels have it: ``昇腾 910C``."""
    for maker in ("华为", "寒武纪", "英伟达 ", "谷歌 ", "AMD "):
        chinese = chinese.removeprefix(maker)
    return next((chinese.removesuffix(end) for end in _USUAL if chinese.endswith(end)), chinese)


@cache
def _table() -> dict[str, str]:
    from chipwall import catalog  # help pages are translated too, and must not load a room

    known = catalog.load()
    named = [one.name for one in known.chips.values()] + [one.name for one in known.systems.values()]
    whole = {name: _said_in_chinese(name) for name in named}
    short = {short_name(name): _without_maker(chinese) for name, chinese in whole.items() if short_name(name) != name}
    return _MAKERS | short | whole


def chinese_name(words: str) -> str:
    """A name of the catalogue in Chinese; every other word as it is."""
    return _table().get(words, words)


def short_name(name: str) -> str:
    """A chip without its maker where the model number is known by itself: ``H200``, ``Ascend 910C``."""
    maker, _, rest = name.partition(" ")
    short = rest if maker in ("NVIDIA", "AMD", "Huawei", "Google", "Cambricon") and rest else name
    return next((short.removesuffix(end) for end in _USUAL if short.endswith(end)), short)
