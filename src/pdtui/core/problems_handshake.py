"""Problems of handshakes: stalled, refused, an address taken, sides that do not fit, clocks."""

from __future__ import annotations

from collections.abc import Iterator

from pdtui.core.evidence import Place, clock_of, counted
from pdtui.core.handshakes import Handshake, State, role_of
from pdtui.core.inspection import Inspection
from pdtui.core.ncclwarnings import warning_rows, warning_text
from pdtui.core.problems import Kind, Problem, Severity
from pdtui.core.roles import DECODE, PREFILL
from pdtui.core.sides import Engine
from pdtui.core.steps import Step


def find(inspection: Inspection) -> Iterator[Problem]:
    """The problems of this kind."""
    yield from _stalled(inspection)
    yield from _refused(inspection)
    yield from _address_in_use(inspection)
    yield from _nixl_refused(inspection)
    yield from _parallel_mismatch(inspection)
    yield from _clock_skew(inspection)


def _stalled(inspection: Inspection) -> Iterator[Problem]:
    for stall in inspection.stalls:
        yield Problem(
            Kind.HANDSHAKE_STALLED,
            Severity.ERROR,
            stall.sentence,
            stall.hint,
            list(stall.evidence),
            {"waiting": stall.waiting, "for": stall.waited_for, "step": stall.steps},
        )


def _refused(inspection: Inspection) -> Iterator[Problem]:
    shakes = inspection.handshakes
    for pair in shakes.pairs:
        if pair.state is not State.FAILED:
            continue
        names = dict.fromkeys(shakes.name(side.engine) for side in pair.sides)
        own = pair.connector_address == pair.acceptor_address
        warnings = sorted(
            set(_warnings(inspection, pair)), key=lambda w: (inspection.clocks.time(w) or 0, w)
        )
        texts = [warning_text(inspection.snapshot[w.source][0], w.row) for w in warnings]
        failed = [Place(s.source, s.failed) for s in pair.sides if s.failed is not None]
        yield Problem(
            Kind.HANDSHAKE_REFUSED,
            Severity.ERROR,
            f"ncclCommInitRank failed between {' and '.join(names)}"
            + (" (it connected to itself)" if own and len(names) == 1 else "")
            + (f": {texts[0][:120]}" if texts else ""),
            "See the error that NCCL gives just above; NCCL_DEBUG=WARN shows it if it is not there",
            list(dict.fromkeys([*warnings, *failed])),
        )


def _warnings(inspection: Inspection, pair: Handshake) -> Iterator[Place]:
    """What NCCL warned of last before each side of a handshake failed."""
    for side in pair.sides:
        if side.failed is None:
            continue
        source, stop = inspection.snapshot[side.source]
        began = min(side.steps.values())
        rows = warning_rows(source, stop)
        rows = rows[(rows > began) & (rows < side.failed)]
        kinds, pid = source.kinds, side.engine.pid
        for row in rows[::-1].tolist():
            said = kinds.processes[kinds.kinds[int(source.columns.kind[row])].process].pid
            if pid in (None, said):
                yield Place(side.source, row)
                break


def _address_in_use(inspection: Inspection) -> Iterator[Problem]:
    for reader in inspection.handshakes.readers:
        for address, row in reader.refused:
            here = Place(reader.number, row)
            holder = _holder(inspection, address, here)
            own = [
                Place(reader.number, engine.steps[Step.ADDRESS_SET])
                for engine in reader.engines
                if engine.address == address and Step.ADDRESS_SET in engine.steps
            ]
            who = f", which {inspection.handshakes.name(holder)} has" if holder else ""
            theirs = [Place(holder.source, min(holder.steps.values()))] if holder else []
            yield Problem(
                Kind.ADDRESS_IN_USE,
                Severity.ERROR,
                f"{reader.source.label} cannot bind {address or 'its address'}{who}, "
                f"at {clock_of(inspection.clocks.time(here))}",
                "Give each instance a kv_port of its own (worker k takes kv_port + k), or end the "
                "process that has it. Next: ss -ltnp",
                [here, *own, *theirs],
            )


def _holder(inspection: Inspection, address: str, refused: Place) -> Engine | None:
    """The other engine that has the address that could not be bound."""
    for engine in inspection.handshakes.engines:
        bound = Step.BOUND in engine.steps or Step.ENGINE_READY in engine.steps
        if not address or engine.address != address or not bound:
            continue
        if engine.source != refused.source or min(engine.steps.values()) < refused.row:
            return engine
    return None


def _nixl_refused(inspection: Inspection) -> Iterator[Problem]:
    for number, (source, _) in enumerate(inspection.snapshot):
        rows = source.traces.rows_with(Step.NIXL_HANDSHAKE_FAILED).tolist()
        if rows:
            yield Problem(
                Kind.HANDSHAKE_REFUSED,
                Severity.ERROR,
                f"{source.label}: the NIXL handshake failed ({counted(len(rows), 'row')})",
                "The same model, vLLM and kv_cache_dtype on both sides? Is "
                "VLLM_NIXL_SIDE_CHANNEL_HOST set to an address that decode reaches?",
                [Place(number, row) for row in rows],
            )


def _parallel_mismatch(inspection: Inspection) -> Iterator[Problem]:
    """The P2P engine pairs worker k with worker k: instances must be of one size."""
    sizes: dict[str, dict[int, list[Engine]]] = {PREFILL: {}, DECODE: {}}
    for reader in inspection.handshakes.readers:
        role = role_of(reader.source)
        ready = {e.rank: e for e in reader.engines if Step.ENGINE_READY in e.steps}
        if role in sizes and ready:
            sizes[role][reader.number] = list(ready.values())
    counts = {role: {len(engines) for engines in of.values()} for role, of in sizes.items()}
    if any(len(count) != 1 for count in counts.values()) or counts[PREFILL] == counts[DECODE]:
        return
    prefill, decode = (next(iter(counts[role])) for role in (PREFILL, DECODE))
    evidence = [
        Place(engine.source, engine.steps[Step.ENGINE_READY])
        for of in sizes.values()
        for engines in of.values()
        for engine in engines
    ]
    yield Problem(
        Kind.PARALLEL_MISMATCH,
        Severity.ERROR,
        f"prefill has {counted(prefill, 'P2P engine')} an instance, decode {decode}",
        "The P2P connector needs the same --tensor-parallel-size on both sides",
        sorted(evidence),
    )


def _clock_skew(inspection: Inspection) -> Iterator[Problem]:
    for skew in inspection.skews:
        if skew.certain:
            yield Problem(
                Kind.CLOCK_SKEW,
                Severity.NOTE,
                f"clocks differ: {skew.sentence} against {skew.against}, "
                f"from {counted(skew.pairs, 'pair')}",
                f"Correct it with --offset {skew.source}={-skew.estimate / 1_000_000:+g}s",
                list(skew.evidence),
            )
