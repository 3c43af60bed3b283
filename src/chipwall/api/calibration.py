"""A site's own numbers: a calibration from the files of a load test, and its use in every answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chipwall.answer import Answer, Figure
from chipwall.api.doors import IN_USE, chip_of, door, model_of, source_of
from chipwall.api.serving import question_of
from chipwall.catalog.records import Chip, LanguageModel
from chipwall.errors import InputError
from chipwall.inputs import number, printable, term
from chipwall.text import Text, text

if TYPE_CHECKING:
    from chipwall.perf.calibrated import Calibrated
    from chipwall.perf.evidence.load_files.reading import Refused
    from chipwall.perf.evidence.load_files.records import LoadRun
    from chipwall.perf.fitting.own import OwnFit
    from chipwall.perf.fitting.site import SiteCalibration
    from chipwall.perf.serving.workload import Question

__all__ = ["calibrate", "use", "using"]


@door
def use(calibration: str | Path | None) -> Answer:
    """Answer from now on with a site's own calibration; ``None`` goes back to the shipped one.

    Parameters
    ----------
    calibration : str, path or None
        The file that ``chipwall calibrate --from ... --out FILE`` wrote.

    Returns
    -------
    Answer
        What the calibration is: figures ``before`` and ``after``, median error of times per token in runs left out [1].

    Raises
    ------
    InputError
        No such file, or not a calibration.
    """
    if calibration is None:
        IN_USE.set(None)
        return Answer("use", text("the shipped constants"))
    site = _site_of(calibration)
    IN_USE.set(_in_place(site))
    return site_answer("use", site)


@contextmanager
def using(calibration: str | Path | None) -> Iterator[None]:
    """A site's calibration for what is asked inside; nothing where it is ``None``."""
    if calibration is None:
        yield
        return
    token = IN_USE.set(_in_place(_site_of(calibration)))
    try:
        yield
    finally:
        IN_USE.reset(token)


def _in_place(site: SiteCalibration) -> Calibrated:
    from chipwall.perf.fitting.site import with_site
    from chipwall.perf.shipped import shipped

    return with_site(site, shipped())


def _site_of(calibration: str | Path) -> SiteCalibration:
    from chipwall.perf.fitting.site import read_site

    if not isinstance(calibration, str | Path):
        raise InputError(
            text("not a file of a calibration"), where="calibration", fix=text("Give the path of a .toml file")
        )
    return read_site(Path(calibration))


@door
def calibrate(
    files: str | Path | Sequence[str | Path],
    chip: str | Chip,
    model: str | LanguageModel,
    *,
    engine: str | None = None,
    chips: int = 1,
    prompt: float | None = None,
    output: float | None = None,
    out: str | Path | None = None,
    narrow: str | Sequence[float] | None = None,
    **options: Any,
) -> Answer:
    """Fit a few constants of serving on the result files of a load test, with the shipped constants as prior.

    Parameters
    ----------
    files : path or list of paths
        Result files of one tool: vLLM bench serve, SGLang bench_serving, AIPerf, GenAI-Perf, GuideLLM, inference-perf,
        genai-bench, or MLPerf LoadGen.
    chip, model : str or record
        What was measured.
    engine : str
        ``"vllm@0.11"``: family and version, or family and date of the release, ``"vllm@2026-05"``.
    chips : int
        Chips in all [1].
    prompt, output : float
        Mean tokens of a prompt and of an answer, where the files do not say [token].
    out : path
        Where to write the calibration.
    narrow : str or three numbers
        Users, prompt and answer of a target, ``"64,8000,500"``: the answer then says which run to measure next narrows it most.
    **options
        The setup as :func:`chipwall.api.serving.serve` takes it: ``precision``, ``kv``, ``tensor``, ``flags`` and so on.

    Returns
    -------
    Answer
        Figures ``before`` and ``after``: median error of the times per token of runs left out, with the shipped and with the
        fitted constants [1]; a row for every run; the record is the calibration.

    Raises
    ------
    InputError
        A file that is none, files of two tools, runs whose numbers disagree, or fewer than four runs.

    Limits
    ------
    Constants that sites differ in move; the others stay. What runs left out do not confirm is not applied.
    """
    from chipwall.perf.evidence.load_files.reading import believed, read_runs
    from chipwall.perf.fitting.own import own_fit, site_runs
    from chipwall.perf.fitting.site import site_toml
    from chipwall.perf.serving.setup import serving_hardware
    from chipwall.perf.shipped import shipped

    paths = [Path(p) for p in ([files] if isinstance(files, str | Path) else files)]
    lengths = {n: None if v is None else number(v, n, least=1) for n, v in (("prompt", prompt), ("output", output))}
    device, language_model = chip_of(chip), model_of(model)
    question = _engine_asked(question_of(chips=chips, **_setup_only(options)), engine)
    good, refused = believed(read_runs(paths), **lengths)
    if not good:
        place, reason = refused[0]
        raise InputError(
            text("none of {count} runs is believed; the first: {reason}", count=len(refused), reason=reason),
            where=printable(place),
            fix=text("Every run must agree with itself: tokens, lengths, times, requests in flight"),
        )  # fmt: skip
    base = shipped()
    hw = serving_hardware(device, base, engine=question.engine)
    runs = site_runs(language_model, hw, question, good, base)
    fit = own_fit(runs)
    site = _site(fit, good, runs.labels["engine"], runs.year, device, language_model, question, hw)
    following = [] if narrow is None else _following(fit, narrow, language_model, hw, question, base)
    if out is not None:
        from chipwall.files import write_whole

        write_whole(Path(out), site_toml(site))
    return site_answer("calibrate", site, refused, following)


def _following(
    fit: OwnFit, narrow: str | Sequence[float], model: LanguageModel, hw: Any, question: Question, base: Calibrated
) -> list[dict[str, float]]:
    """Runs to measure next for a target, the one that narrows it most first."""
    from chipwall.perf.fitting.next_run import candidate_runs, narrowed_target, target_run
    from chipwall.perf.fitting.own import site_runs

    words = narrow.split(",") if isinstance(narrow, str) else list(narrow)
    if len(words) != 3:
        raise InputError(
            text("a target is three numbers"), where="narrow", fix=text("Give users, prompt and answer: 64,8000,500")
        )
    target = target_run(*(number(w, "narrow", least=1, most=1e7) for w in words))
    runs = candidate_runs(target)
    at = [site_runs(model, hw, question, some, base) for some in ([target], runs)]
    return [
        {"users": n.run.users or 0.0, "prompt_tokens": n.run.prompt or 0.0, "output_tokens": n.run.output or 0.0,
         "before_low": n.before[0], "before_high": n.before[1], "after_low": n.after[0], "after_high": n.after[1]}
        for n in narrowed_target(fit, at[0], at[1], runs)
    ]  # fmt: skip


# What the files say, and a caller must not.
_FROM_FILES = ("users", "rate", "batch", "burst", "load", "ttft", "tpot", "engine_date")


def _setup_only(options: Mapping[str, Any]) -> dict[str, Any]:
    given = [n for n in _FROM_FILES if options.get(n) is not None]
    if given:
        raise InputError(text("the files say it"), where=", ".join(given), fix=text("Leave it out"))
    return dict(options)


def _engine_asked(question: Question, engine: str | None) -> Question:
    """The question with the engine and date of ``family@version`` or ``family@date``."""
    if engine is None:
        return question
    from chipwall.inputs import choice
    from chipwall.perf.evidence.releases import version_year
    from chipwall.perf.load import measured
    from chipwall.perf.serving.engines import ENGINES, asked_year

    word, _, version = term(engine, "engine", example="vllm@0.11").partition("@")
    family = choice(word, "engine", tuple(ENGINES))
    if not version:
        return replace(question, engine=family)
    dated = len(version) >= 7 and version[:4].isdigit() and version[4] == "-"
    year = asked_year(version) if dated else version_year(family, version.removeprefix("v"), measured("inference"))
    return replace(question, engine=family, engine_year=year)


def _site(
    fit: OwnFit, runs: Sequence[LoadRun], engine: str, year: float, chip: Chip, model: LanguageModel, question: Question,
    hw: Any,
) -> SiteCalibration:  # fmt: skip
    from chipwall.perf.fitting.site import RunRow, SiteCalibration
    from chipwall.perf.serving.precision import precision_of

    def figures(told: Mapping[str, Sequence[float]], at: int) -> dict[str, float]:
        return {name: values[at] for name, values in told.items() if at < len(values) and values[at] == values[at]}

    rows = tuple(
        RunRow(
            printable(r.place), r.users or 0.0, r.rate or 0.0, r.prompt or 0.0, r.output or 0.0, figures(fit.measured, i),
            figures(fit.predicted, i),
        )
        for i, r in enumerate(runs)
    )  # fmt: skip
    return SiteCalibration(
        chip=chip.id, engine=engine, model=model.id, precision=precision_of(question.precision, model=model, hw=hw).name,
        chips=question.chips, year=year, tool=runs[0].tool, made=date.today(), kept=fit.kept, changes=fit.changes,
        before=fit.before, after=fit.after, bands=fit.bands, runs=rows,
    )  # fmt: skip


def site_answer(
    door_name: str,
    site: SiteCalibration,
    refused: Sequence[Refused] = (),
    following: Sequence[Mapping[str, float]] = (),
) -> Answer:
    """A calibration as an answer."""
    main = "tpot" if "tpot" in site.before else "output"
    figures = {
        n: Figure(v, v, v, "1", "measured") for n, v in (("before", site.before[main]), ("after", site.after[main]))
    }
    return Answer(
        door_name,
        text(
            "{chip} with {engine}, calibrated on {runs} runs of {model} by {tool}",
            chip=site.chip, engine=site.engine, runs=len(site.runs), model=site.model, tool=site.tool,
        ),
        figures,
        site,
        items=site.runs,
        rows=tuple(_run_row(r) for r in site.runs),
        notes=_site_notes(site, refused),
        data=lambda: site_data(site, refused, following),
        source_of=source_of,
    )  # fmt: skip


def _site_notes(site: SiteCalibration, refused: Sequence[Refused]) -> tuple[Text, ...]:
    from chipwall.perf.evidence.load_files.records import DEFINITIONS

    notes = [DEFINITIONS[site.tool]] if site.tool in DEFINITIONS else []
    if site.kept:
        notes.append(text("the shipped constants stay: runs left out do not come out better with fitted ones"))
    notes += [
        text("not believed: {place}: {reason}", place=printable(place), reason=reason) for place, reason in refused
    ]
    return tuple(notes)


def _run_row(run: Any) -> dict[str, Any]:
    units = {"tpot": "s", "ttft": "s", "output": "token_per_s"}
    told = {f"{n}_{units[n]}": v for n, v in run.measured.items()}
    left_out = {f"predicted_{n}_{units[n]}": v for n, v in run.predicted.items()}
    return {
        "place": run.place, "users": run.users or None, "rate_per_s": run.rate or None, "prompt_tokens": run.prompt,
        "output_tokens": run.output, **told, **left_out,
    }  # fmt: skip


def site_data(
    site: SiteCalibration, refused: Sequence[Refused], following: Sequence[Mapping[str, float]]
) -> dict[str, Any]:
    """A calibration as plain values."""
    return {
        "chip": site.chip, "engine": site.engine, "year": site.year, "model": site.model, "precision": site.precision,
        "chips": site.chips, "tool": site.tool, "made": site.made.isoformat(), "shipped_constants_kept": site.kept,
        "error": {n: {"before": site.before[n], "after": site.after[n], "band": site.bands.get(n)} for n in site.before},
        "constants": [{n: getattr(c, n) for n in c.__dataclass_fields__} for c in site.changes],
        "runs": [_run_row(r) for r in site.runs],
        "refused": [{"place": place, "reason": str(reason)} for place, reason in refused],
        "next": [dict(n) for n in following],
    }  # fmt: skip
