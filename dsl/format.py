"""Formatting: surface tree -> one canonical text. `parse(format(x)) == x`, and format is a fixed point.

What fits stands on one line. What does not is broken at its outermost joints first, each part on its own line.
Comments stand on lines of their own, before the part they were written in or after.
"""

from __future__ import annotations

from collections.abc import Iterable

from dsl import tree
from dsl.lexing import name_written
from dsl.literals import quoted
from dsl.typed import CutKind, Operator, Part

WIDTH = 100
STEP = 4

# How tightly each node binds; a part that binds looser than its place needs stands in parentheses.
EITHER, BOTH, NOT, CONDITION, SUM, PRODUCT, UNARY, ATOM = range(8)


def format(selection: tree.Selection) -> str:
    """The canonical text of an expression."""
    if selection.comments:
        return _commented(selection)
    whole = _flat(selection.condition, EITHER) + _cut(selection.cut, " ")
    if len(whole) <= WIDTH:
        return whole
    return _laid(selection.condition, EITHER, 0) + _cut(selection.cut, "\n")


def one_line(node: tree.Expression | tree.Selector | tree.Step) -> str:
    """The canonical text of one part of an expression, however long."""
    match node:
        case tree.Selector():
            return _selector(node, None) + _bound(node)
        case tree.Step():
            return _step(node, None)
        case _:
            return _flat(node, EITHER)


def _cut(cut: tree.Cut | None, before: str) -> str:
    if cut is None:
        return ""
    if cut.kind is CutKind.RANDOM:
        assert cut.seed is not None, "the grammar gives every random cut a seed"
        return f"{before}random {_flat(cut.count)} seed {_flat(cut.seed)}"
    assert cut.by is not None, "the grammar gives every other cut a term"
    return f"{before}{cut.kind} {_flat(cut.count)} by {_flat(cut.by, SUM)}"


# --- comments ------------------------------------------------------------------------------------------------


def _commented(selection: tree.Selection) -> str:
    """Each joint of the outermost and/or on its own line, with its comments above it."""
    parts = _parts(selection)
    above: list[list[str]] = [[] for _ in range(len(parts) + 1)]
    for comment in selection.comments:
        above[_place(comment, [node for node, _ in parts])].append(comment.text)
    lines = [line for (_, text), comments in zip(parts, above, strict=False) for line in (*comments, text)]
    return "\n".join([*lines, *above[-1]])


def _parts(selection: tree.Selection) -> list[tuple[tree.Node, str]]:
    condition = selection.condition
    if isinstance(condition, tree.Both | tree.Either):
        parts: list[tuple[tree.Node, str]] = list(zip(condition.items, _joined(condition, 0), strict=True))
    else:
        parts = [(condition, _laid(condition, EITHER, 0))]
    return [*parts, (selection.cut, _cut(selection.cut, ""))] if selection.cut else parts


def _place(comment: tree.Comment, parts: list[tree.Node]) -> int:
    """The part a comment belongs to: the one it ends a line of, or else the one it stands in or before."""
    if comment.trailing:
        begun = [n for n, part in enumerate(parts) if part.span.start < comment.span.start]
        return begun[-1] if begun else 0
    return next((n for n, part in enumerate(parts) if part.span.end > comment.span.start), len(parts))


# --- on several lines ----------------------------------------------------------------------------------------


def _laid(node: tree.Expression, place: int, indent: int) -> str:
    """A node where lines begin `indent` in: flat when it fits, else broken."""
    flat = _flat(node, place)
    if indent + STEP + len(flat) <= WIDTH:
        return flat
    if _binding(node) < place:
        return _enclosed(_laid(node, EITHER, indent + STEP), indent)
    match node:
        case tree.Both() | tree.Either():
            return f"\n{' ' * indent}".join(_joined(node, indent))
        case tree.Not(item=item):
            return f"not {_laid(item, NOT, indent)}"
        case tree.Quorum(how=how, items=items):
            return f"{_how(how)} of {_listed((_laid(item, EITHER, indent + STEP) for item in items), indent)}"
        case tree.Did() | tree.Regularity() | tree.Sequence():
            return _did(node, indent)
        case tree.Among(item=item, values=tree.Values(items=values), negated=negated):
            return f"{_flat(item, SUM)}{_not(negated)} in {_filled(values, indent)}"
        case tree.Has(item=item, quantifier=quantifier, values=tree.Values(items=values), negated=negated):
            return f"{_flat(item, SUM)}{_not(negated)} has {quantifier} {_filled(values, indent)}"
        case _:
            return flat


def _joined(node: tree.Both | tree.Either, indent: int) -> list[str]:
    """The items of an and/or, each with its word before it but the first."""
    word, place = ("and", NOT) if isinstance(node, tree.Both) else ("or", BOTH)
    first, *others = node.items
    return [_laid(first, place, indent), *(_with_word(item, word, place, indent) for item in others)]


def _with_word(item: tree.Expression, word: str, place: int, indent: int) -> str:
    if isinstance(item, tree.Except):
        return f"except {_laid(item.item, NOT, indent)}"
    return f"{word} {_laid(item, place, indent)}"


def _enclosed(text: str, indent: int) -> str:
    return f"(\n{' ' * (indent + STEP)}{text}\n{' ' * indent})"


def _listed(items: Iterable[str], indent: int) -> str:
    return _enclosed(f",\n{' ' * (indent + STEP)}".join(items), indent)


def _filled(values: tuple[tree.Expression, ...], indent: int) -> str:
    """A list of values, as many to a line as fit."""
    lines = [""]
    for value in (_flat(value, SUM) for value in values):
        if lines[-1] and indent + STEP + len(lines[-1]) + len(value) + 3 > WIDTH:
            lines.append("")
        lines[-1] += f", {value}" if lines[-1] else value
    return _listed(lines, indent)


# --- on one line ---------------------------------------------------------------------------------------------


def _flat(node: tree.Expression, place: int = ATOM) -> str:
    """A node on one line, in parentheses when it binds looser than its place."""
    text = _text(node)
    return f"({text})" if _binding(node) < place else text


def _binding(node: tree.Expression) -> int:
    match node:
        case tree.Either():
            return EITHER
        case tree.Both():
            return BOTH
        case tree.Not():
            return NOT
        case tree.Arithmetic(operators=operators):
            return SUM if operators[0] in (Operator.ADD, Operator.SUBTRACT) else PRODUCT
        case tree.Negative():
            return UNARY
        case tree.Text() | tree.Number() | tree.Boolean() | tree.Parameter() | tree.FieldName() | tree.Same():
            return ATOM
        case tree.DatePart() | tree.Bucket() | tree.Aggregate() | tree.Day() | tree.Month() | tree.Instant():
            return ATOM
        case tree.Duration() | tree.Ago() | tree.NamedMoment() | tree.CalendarPeriod() | tree.RollingPeriod():
            return ATOM
        case _:
            return CONDITION


def _text(node: tree.Expression) -> str:
    """The text of a condition, and through `_value` of everything else."""
    match node:
        case tree.Both(items=items):
            first, *others = items
            return " ".join([_flat(first, NOT), *(_flat_joint(item) for item in others)])
        case tree.Either(items=items):
            return " or ".join(_flat(item, BOTH) for item in items)
        case tree.Not(item=item):
            return f"not {_flat(item, NOT)}"
        case tree.Comparison(comparator=comparator, left=left, right=right):
            return f"{_flat(left, SUM)} {comparator} {_flat(right, SUM)}"
        case tree.Quorum(how=how, items=items):
            return f"{_how(how)} of ({', '.join(_flat(item, EITHER) for item in items)})"
        case tree.Did() | tree.Regularity() | tree.Sequence():
            return _did(node, None)
        case tree.InSegment(segment=segment, rules_only=rules_only):
            said = _name(segment) if isinstance(segment, tree.Identifier) else _value(segment)
            return f"{'matches' if rules_only else 'in'} segment {said}"
        case tree.Everyone():
            return "everyone"
        case tree.Nobody():
            return "nobody"
        case tree.Sample(percent=percent, seed=seed):
            return f"sample {_value(percent)}% seed {_value(seed)}"
        case _:
            return _test(node)


def _flat_joint(item: tree.Expression) -> str:
    return f"except {_flat(item.item, NOT)}" if isinstance(item, tree.Except) else f"and {_flat(item, NOT)}"


def _test(node: tree.Expression) -> str:
    """The text of a condition about one value."""
    match node:
        case tree.Among(item=item, values=values, negated=negated):
            return f"{_flat(item, SUM)}{_not(negated)} in {_values(values)}"
        case tree.Between(item=item, low=low, high=high, negated=negated):
            return f"{_flat(item, SUM)}{_not(negated)} between {_flat(low, SUM)} and {_flat(high, SUM)}"
        case tree.Timed(item=item, timing=timing, negated=negated):
            return f"{_flat(item, SUM)}{_not(negated)} {_timing(timing)}"
        case tree.Anniversary(item=item, timing=timing, negated=negated):
            return f"{_flat(item, SUM)} anniversary{_not(negated)} {_timing(timing)}"
        case tree.Textual(test=test, item=item, text=text, negated=negated):
            return f"{_flat(item, SUM)}{_not(negated)} {test} {_value(text)}"
        case tree.Exactly(item=item, text=text, negated=negated):
            return f"{_flat(item, SUM)} is{_not(negated)} exactly {_value(text)}"
        case tree.Matches(item=item, pattern=pattern, negated=negated):
            said = _regex(pattern) if isinstance(pattern, tree.Regex) else _value(pattern)
            return f"{_flat(item, SUM)}{_not(negated)} matches {said}"
        case tree.IsSet(item=item, negated=negated):
            return f"{_flat(item, SUM)} is{_not(negated)} set"
        case tree.Has(item=item, quantifier=quantifier, values=values, negated=negated):
            which = f" {quantifier}" if quantifier else ""
            return f"{_flat(item, SUM)}{_not(negated)} has{which} {_values(values)}"
        case _:
            return _value(node)


def _value(node: tree.Expression) -> str:
    """The text of a value."""
    match node:
        case tree.Text(value=value):
            return quoted(value)
        case tree.Number(value=number):
            return f"{number:f}"
        case tree.Boolean(value=flag):
            return "true" if flag else "false"
        case tree.Parameter(name=name):
            return f"${name}"
        case tree.FieldName(name=identifier, owner=owner):
            return f"{_name(owner)}.{_name(identifier)}" if owner else _name(identifier)
        case tree.Same(name=identifier):
            return f"same {_name(identifier)}"
        case tree.Arithmetic():
            return _arithmetic(node)
        case tree.Negative(item=item):
            return f"-{_flat(item, UNARY)}"
        case tree.DatePart(part=part, item=item):
            return f"{part}{'' if part is Part.YEARS_SINCE else ' of'} {_flat(item)}"
        case tree.Bucket(seed=seed, buckets=buckets):
            return f"bucket({_value(seed)}, {_value(buckets)})"
        case tree.Aggregate(function=function, property=property, selector=selector):
            of = f"{_name(property)} of " if property else ""
            return f"{function}({of}{_selector(selector, None)}{_bound(selector)})"
        case _:
            return _time(node)


def _arithmetic(node: tree.Arithmetic) -> str:
    place = PRODUCT if _binding(node) == SUM else UNARY
    first, *others = (_flat(operand, place) for operand in node.operands)
    return " ".join([first, *(f"{op} {other}" for op, other in zip(node.operators, others, strict=True))])


def _time(node: tree.Expression) -> str:
    match node:
        case tree.Day(text=text) | tree.Month(text=text) | tree.Instant(text=text):
            return text
        case tree.Duration():
            return _duration(node)
        case tree.Ago(duration=duration, ahead=ahead):
            return f"{_duration(duration)} {'from now' if ahead else 'ago'}"
        case tree.NamedMoment(moment=moment):
            return moment.value
        case tree.CalendarPeriod(which=which, unit=unit):
            return f"{which} {unit}"
        case tree.RollingPeriod(which=which, duration=duration):
            return f"{which} {_duration(duration)}"
        case _:
            raise TypeError(f"no text for {type(node).__name__}")


def _duration(node: tree.Duration) -> str:
    one = isinstance(node.count, tree.Number) and node.count.value == 1
    return f"{_value(node.count)} {node.unit}{'' if one else 's'}"


def _timing(timing: tree.Timing) -> str:
    last = f" and {_flat(timing.last, SUM)}" if timing.last else ""
    return f"{timing.when} {_flat(timing.first, SUM)}{last}"


# --- events --------------------------------------------------------------------------------------------------


def _did(node: tree.Did | tree.Regularity | tree.Sequence, indent: int | None) -> str:
    """`did …`; with an `indent`, the conditions of long selectors stand on lines of their own."""
    verb = "did not" if node.negated else "did"
    match node:
        case tree.Did(selector=selector, times=times):
            often = f" {_frequency(times)} times" if times else ""
            return f"{verb} {_selector(selector, indent)}{often}{_bound(selector)}"
        case tree.Regularity(selector=selector, frequency=frequency, spans=spans):
            last = f"of last {_value(spans.count)} {spans.unit}s"
            return f"{verb} {_selector(selector, indent)} in {_frequency(frequency)} {last}"
        case tree.Sequence(first=first, steps=steps):
            between = " " if indent is None else f"\n{' ' * indent}"
            then = between.join(_step(step, indent) for step in steps)
            return f"{verb} {_selector(first, indent)}{between}{then}{_bound(first)}"


def _step(step: tree.Step, indent: int | None) -> str:
    within = f" within {_duration(step.within)}" if step.within else ""
    return f"then{_not(step.absent)} {_selector(step.selector, indent)}{within}"


def _selector(node: tree.Selector, indent: int | None) -> str:
    """A selector without its bound in time."""
    event = _name(node.event) if node.event else "any event"
    if node.where is None:
        return event
    flat = f"{event}({_flat(node.where, EITHER)})"
    if indent is None or indent + 2 * STEP + len(flat) <= WIDTH:
        return flat
    return event + _enclosed(_laid(node.where, EITHER, indent + STEP), indent)


def _bound(selector: tree.Selector) -> str:
    return f" {_timing(selector.timing)}" if selector.timing else ""


def _frequency(node: tree.Frequency) -> str:
    high = f" and {_flat(node.high, SUM)}" if node.high else ""
    return f"{node.bound} {_flat(node.count, SUM)}{high}"


def _how(how: tree.Frequency | tree.Quantifier) -> str:
    return how.value if isinstance(how, tree.Quantifier) else _frequency(how)


# --- words ---------------------------------------------------------------------------------------------------


def _not(negated: bool) -> str:
    return " not" if negated else ""


def _name(identifier: tree.Identifier) -> str:
    return name_written(identifier.name)


def _values(values: tree.Values | tree.Text | tree.Parameter) -> str:
    if isinstance(values, tree.Values):
        return f"({', '.join(_flat(value, SUM) for value in values.items)})"
    return _value(values)


def _regex(regex: tree.Regex) -> str:
    escaped = regex.pattern.replace("/", "\\/")
    return f"/{escaped}/{'i' if regex.ignore_case else ''}"
