"""Progress counts, estimates and stays silent when asked."""

import io

from skoverfit._core._progress import Progress, format_seconds


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_silent_by_default():
    stream = io.StringIO()
    with Progress(3, stream=stream) as progress:
        for _ in range(3):
            progress.advance()
    assert stream.getvalue() == ""
    assert progress.done == 3


def test_a_file_gets_a_closing_line_with_failures():
    stream = io.StringIO()
    with Progress(2, verbose=1, stream=stream, unit="folds") as progress:
        progress.advance()
        progress.advance(failed=True)
    assert "2 of 2 folds, 1 failed" in stream.getvalue()


def test_time_left_is_given_only_while_something_is_left():
    with Progress(4, verbose=1, stream=io.StringIO()) as progress:
        progress.advance()
        assert "left" in progress.describe()
        for _ in range(3):
            progress.advance()
        assert "left" not in progress.describe()


def test_a_terminal_gets_a_bar():
    stream = Terminal()
    with Progress(2, verbose=1, stream=stream) as progress:
        progress.advance(label="iris")
        progress.advance()
    assert "2/2" in stream.getvalue()


def test_durations_read_like_a_clock():
    assert format_seconds(59.4) == "59 s"
    assert format_seconds(60) == "1 min 0 s"
    assert format_seconds(3600) == "1 h 0 min"
