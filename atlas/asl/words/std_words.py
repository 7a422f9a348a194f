"""Words that move items of the stack about, keep variables, and run lists as programs.

Lists stand in the order of the program, but for `:list`: it turns the stack over, top first, and
`:each` walks a list from its end. So `:list,(,…,),:each` leaves the stack in its own order.
"""

from __future__ import annotations

from atlas.asl.datatypes import AslList, item_text
from atlas.asl.word import Context, Vocabulary
from atlas.errors import AslError
from atlas.expr.string_format import formatted

STD = Vocabulary("std")


@STD.context_word(
    "call", "program:List -- ", takes="program:List", examples=("(,1,2,:add,)", "1,(,:neg,)")
)
def _call(context: Context, program: AslList) -> Context:
    """Runs a list as a program."""
    return context.call(program)


@STD.context_word("clear", "* -- <empty>", examples=("1,2,3", ""))
def _clear(context: Context) -> Context:
    """Removes every item; what is frozen stays."""
    return context.drop(len(context.stack))


@STD.context_word("depth", " -- Int", examples=("", "1,2"))
def _depth(context: Context) -> Context:
    """Pushes how many items there are."""
    return context.push(str(len(context.stack)))


@STD.context_word("drop", "a:Any -- ", takes="a:Any", examples=("1,2,3",))
def _drop(context: Context, _: object) -> Context:
    """Removes the top item."""
    return context


@STD.context_word("dup", "a:Any -- Any Any", takes="a:Any", examples=("1", "name,sps,:eq"))
def _dup(context: Context, item: object) -> Context:
    """Repeats the top item."""
    return context.push(item, item)


@STD.context_word(
    "each",
    "items:List f:List -- f(items[0]) ... f(items[N])",
    takes="items:List f:List",
    examples=("(,1,2,),(,:neg,)", "1,2,:list,(,10,:mul,)"),
)
def _each(context: Context, items: AslList, program: AslList) -> Context:
    """Runs a program for each item of a list, the last item first."""
    for item in reversed(items):
        context = context.push(item).call(program)
    return context


@STD.context_word(
    "format",
    "pattern:String args:List -- String",
    takes="pattern:String args:List",
    examples=("%s,(,42,)", "%2$s%1$s,(,2,4,)", "%.2f,(,42,)"),
)
def _format(context: Context, pattern: str, arguments: AslList) -> Context:
    """Puts the items of a list into a pattern, as `printf` does."""
    return context.push(formatted(pattern, [item_text(item) for item in arguments]))


@STD.context_word("freeze", "* -- <empty>", examples=("1,2,3", "1,:freeze,:clear,2"))
def _freeze(context: Context) -> Context:
    """Puts everything away until the program ends, and forgets the variables."""
    return context.freeze()


@STD.context_word("get", "k:String -- Any", takes="k:String", examples=("k,1,:set,k",))
def _get(context: Context, name: str) -> Context:
    """Pushes the value of a variable."""
    if name not in context.variables:
        raise AslError(
            f"key not found: {name}",
            fix=f"set the variable first, as in '{name},1,:set'",
            original_class="NoSuchElementException",
        )
    return context.push(context.variables[name])


@STD.context_word(
    "pick", "aN ... a0 N -- aN ... a0 aN", takes="Any Int", examples=("1,2,0", "1,2,1")
)
def _pick(context: Context, below: object, index: int) -> Context:
    """Pushes a copy of the item so many places below the top."""
    context = context.push(below)
    return context.push(context.stack[_place(context, index)])


@STD.context_word(
    "map",
    "items:List f:List -- List(f(items[0]) ... f(items[N]))",
    takes="items:List f:List",
    examples=("(,a%s,b%s,),(,(,.x,),:format,)", "(,1,2,),(,:neg,)"),
)
def _map(context: Context, items: AslList, program: AslList) -> Context:
    """Makes a list of what a program leaves on top for each item of a list."""
    results = []
    for item in items:
        context = context.push(item).call(program)
        if not context.stack:
            raise AslError(
                "head of empty list",
                fix="let the program of :map leave a value for each item",
                original_class="NoSuchElementException",
            )
        results.append(context.stack[-1])
        context = context.drop(1)
    return context.push(tuple(results))


@STD.context_word("ndrop", "aN ... a0 N -- aN", takes="Int", examples=("1,2,3,2", "1,9"))
def _ndrop(context: Context, count: int) -> Context:
    """Removes so many items; fewer if there are not that many."""
    return context.drop(_bounded(context, count))


@STD.context_word(
    "nlist", "aN ... a0 N -- aN List(aN-1 ... a0)", takes="Int", examples=("1,2,3,2", "1,0")
)
def _nlist(context: Context, count: int) -> Context:
    """Makes a list of so many items, in their own order."""
    start = len(context.stack) - _bounded(context, count)
    return context.drop(_bounded(context, count)).push(context.stack[start:])


@STD.context_word("over", "a:Any b:Any -- Any Any Any", takes="a:Any b:Any", examples=("1,2",))
def _over(context: Context, a: object, b: object) -> Context:
    """Pushes a copy of the second item."""
    return context.push(a, b, a)


@STD.context_word("-rot", "* a b -- b * a", takes="Any", examples=("1,2,3",))
def _reverse_rot(context: Context, top: object) -> Context:
    """Moves the top item to the bottom of the stack."""
    return context.drop(len(context.stack)).push(top, *context.stack)


@STD.context_word(
    "roll", "aN ... a0 N -- aN-1 ... a0 aN", takes="Any Int", examples=("1,2,3,2", "1,2,0")
)
def _roll(context: Context, below: object, index: int) -> Context:
    """Moves the item so many places below the top to the top."""
    context = context.push(below)
    place = _place(context, index)
    *items, moved = *context.stack[:place], *context.stack[place + 1 :], context.stack[place]
    return context.drop(len(context.stack)).push(*items, moved)


@STD.context_word("rot", "a ... b -- ... b a", takes="Any", examples=("1,2,3",))
def _rot(context: Context, top: object) -> Context:
    """Moves the bottom item of the stack to the top."""
    bottom, *items = *context.stack, top
    return context.drop(len(context.stack)).push(*items, bottom)


@STD.context_word("set", "k:String v:Any -- ", takes="k:String v:Any", examples=("k,1", "k,(,1,)"))
def _set(context: Context, name: str, value: object) -> Context:
    """Gives a variable a value."""
    return context.with_variable(name, value)


@STD.context_word("swap", "a:Any b:Any -- Any Any", takes="a:Any b:Any", examples=("1,2",))
def _swap(context: Context, a: object, b: object) -> Context:
    """Exchanges the two top items."""
    return context.push(b, a)


@STD.context_word("list", "* -- List(*)", examples=("1,2,3", ""))
def _list(context: Context) -> Context:
    """Makes a list of the whole stack, its top first."""
    return context.drop(len(context.stack)).push(tuple(reversed(context.stack)))


@STD.context_word("2over", "a:Any b:Any -- Any Any Any Any", takes="a:Any b:Any", examples=("1,2",))
def _two_over(context: Context, a: object, b: object) -> Context:
    """Pushes copies of the two top items."""
    return context.push(a, b, a, b)


@STD.context_word("nip", "a:Any b:Any -- Any", takes="a:Any b:Any", examples=("1,2",))
def _nip(context: Context, _: object, top: object) -> Context:
    """Removes the second item."""
    return context.push(top)


@STD.context_word("tuck", "a:Any b:Any -- Any Any Any", takes="a:Any b:Any", examples=("1,2",))
def _tuck(context: Context, a: object, b: object) -> Context:
    """Puts a copy of the top item below the second."""
    return context.push(b, a, b)


@STD.context_word("fcall", "? -- ?", examples=("f,(,:neg,),:set,1,f",))
def _fcall(context: Context) -> Context:
    """Runs the list that a variable holds; the same as `:get,:call`."""
    return context.call((":get", ":call"))


@STD.context_word("sset", "v:Any k:String -- ", takes="v:Any k:String", examples=("1,k",))
def _sset(context: Context, value: object, name: str) -> Context:
    """Gives a variable a value; the same as `:swap,:set`."""
    return context.with_variable(name, value)


def _bounded(context: Context, count: int) -> int:
    return min(max(count, 0), len(context.stack))


def _place(context: Context, index: int) -> int:
    """Where the item `index` places below the top is."""
    if not 0 <= index < len(context.stack):
        raise AslError(
            f"index out of range: {index}",
            fix=f"there are {len(context.stack)} items below; count them from 0",
            original_class="IndexOutOfBoundsException",
        )
    return len(context.stack) - 1 - index
