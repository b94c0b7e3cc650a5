"""A server's own warming: it gets to the end, can be stopped at once, and does nothing where nothing is allowed."""

from server.warming import Warming


class Slow:
    """A workspace with many steps."""

    def __init__(self, steps):
        self.steps, self.taken = steps, 0

    def warm(self, most_bytes):
        for number in range(self.steps):
            yield str(number)
            self.taken += 1


class Named:
    def __init__(self, **workspaces):
        self.held = workspaces

    def workspaces(self):
        return list(self.held)

    def workspace(self, name):
        return self.held[name]


def test_every_workspace_is_warmed():
    one, other = Slow(3), Slow(5)
    warming = Warming(Named(one=one, other=other), 1)
    warming.start()
    warming._thread.join(10)
    assert (one.taken, other.taken) == (3, 5)


def test_closing_ends_it_early():
    endless = Slow(10**9)
    warming = Warming(Named(endless=endless), 1)
    warming.start()
    warming.close()
    assert not warming._thread.is_alive()
    assert endless.taken < 10**9


def test_without_memory_nothing_is_made():
    one = Slow(3)
    warming = Warming(Named(one=one), 0)
    warming.start()
    warming.close()
    assert one.taken == 0
