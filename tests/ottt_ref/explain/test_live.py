"""The page served on this machine: it answers its own page, refuses everything else, and cannot be blocked."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction

import pytest

from ottt_ref.blackboard.description import described
from ottt_ref.blackboard.quantities import METHODS
from ottt_ref.cli import main
from ottt_ref.explain import live
from ottt_ref.explain.editing import editable
from ottt_ref.explain.example import example
from ottt_ref.explain.shown import Shown
from ottt_ref.network.layers import Layer
from ottt_ref.network.network import Network
from ottt_ref.simulation.simulator import run
from tests.browser import Browser, find
from tests.interrupts import hearing_interrupts

pytestmark = pytest.mark.slow


@contextmanager
def serving(port=0, found=None):
    found = found or example()
    shown = Shown(found.network, found.inputs, found.targets)
    server = live.Server(shown, editable(shown), port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join(5)
        server.server_close()


@pytest.fixture(scope="module")
def server():
    with serving() as made:
        yield made


@pytest.fixture(scope="module")
def description():
    found = example()
    return editable(Shown(found.network, found.inputs, found.targets))


def ask(server, raw, timeout=20):
    """The answer to raw bytes: its status and its body."""
    with socket.create_connection((live.ADDRESS, server.server_port), timeout) as connection:
        connection.sendall(raw)
        answer = b""
        while part := connection.recv(1 << 16):
            answer += part
    head, _, body = answer.partition(b"\r\n\r\n")
    return (int(head.split()[1]) if head.startswith(b"HTTP/") else None), body


def request(server, method="GET", path="/", body=b"", **headers):
    """The bytes of a request of the page's own, but for the headers that are given; None leaves one out."""
    given = {"Host": f"127.0.0.1:{server.server_port}"}
    if method == "POST":
        given |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{name}: {value}" for name, value in given.items() if value is not None]
    return "\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""]).encode() + body


def post(server, content, **headers):
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    status, answer = ask(server, request(server, "POST", "/explain", body, **headers))
    return status, json.loads(answer)


def test_it_serves_the_page_and_answers_with_what_the_library_computes(server, description):
    status, body = ask(server, request(server))
    assert status == 200 and b"What does a gradient remember?" in body and b"connect-src 'self'" in body
    changed = {**description, "weights": [[["3/4", "1/4"], [1, "-1/2"]], [["-1/2", 1]]]}
    own = {"Origin": f"http://127.0.0.1:{server.server_port}"}
    status, found = post(server, {"network": changed, "options": {"dialect": "authors"}}, **own)
    assert status == 200 and found["shown"] == ["OTTT (authors’ dialect)", "BPTT"]
    again = example()
    again.network.parameters["layer0.weight"][1, 0] = Fraction(1)
    activity = run(again.network, again.inputs)
    sums = METHODS["bptt-kept"].sums(again.network, activity, again.inputs, again.targets, again.loss)
    expected = [value for array in sums.values.values() for value in array.ravel()]
    (config,) = found["configs"]
    assert [Fraction(value) for value in config["gradients"]["bptt-kept"]] == expected


def test_it_listens_on_the_loopback_address_alone(server):
    assert server.socket.getsockname()[0] == "127.0.0.1"


def test_foreign_hosts_origins_and_kinds_of_requests_are_refused(server, description):
    port = server.server_port
    for host in (
        "evil.example",
        f"evil.example:{port}",
        "127.0.0.1",
        f"127.0.0.1:{port + 1}",
        f"127.0.0.1.evil:{port}",
        "",
        None,
    ):
        assert ask(server, request(server, Host=host))[0] == 403, host
    assert ask(server, f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nHost: evil\r\n\r\n".encode())[0] == 403
    good = json.dumps({"network": description, "options": {}}).encode()
    for origin in ("http://evil.example", "null", f"https://127.0.0.1:{port}", f"http://127.0.0.1:{port + 1}"):
        assert post(server, good, Origin=origin)[0] == 403, origin
    assert post(server, good, Sec_Fetch_Site="cross-site")[0] == 403
    for kind in ("text/plain", "application/x-www-form-urlencoded", None):
        assert post(server, good, Content_Type=kind)[0] == 415
    for method in ("OPTIONS", "PUT", "DELETE", "TRACE", "HEAD"):
        assert ask(server, request(server, method))[0] == 501
    for path in ("/etc/passwd", "/../page.py", "/explain", "http://127.0.0.1/", "/%2e%2e/"):
        assert ask(server, request(server, path=path))[0] == 404, path
    assert ask(server, request(server, "POST", "/", good))[0] == 404


def test_large_and_malformed_bodies_are_refused(server):
    assert post(server, b"[", Content_Length=str(64 * 1024 + 1))[0] == 413
    for length in ("-1", "1e3", "0x10", "", "9" * 30):
        assert post(server, b"", Content_Length=length)[0] in (400, 413), length
    assert post(server, b"", Content_Length=None)[0] == 411
    assert post(server, b"2\r\n{}\r\n0\r\n\r\n", Transfer_Encoding="chunked")[0] == 411
    for body in (
        b"",
        b"{",
        b"\xff\xfe",
        b"[" * 60_000,
        b"NaN",
        b"{}",
        b'{"network": 1, "options": {}}',
        b'{"a": ' + b"9" * 5000 + b"}",
    ):
        status, answer = post(server, body)
        assert status == 400 and answer["error"], body[:20]
    assert ask(server, b"GET / " + b"a" * 70_000)[0] in (414, None)
    assert ask(server, b"\x00\x01\x02\r\n\r\n")[0] in (400, None)


def test_networks_are_bounded_and_faults_name_the_field(server, description):
    def fault(**changes):
        status, answer = post(server, {"network": {**description, **changes}, "options": {}})
        assert status == 400
        return answer["error"]

    assert "at most 12 time steps" in fault(inputs=[[1, 1]] * 13)
    assert "at most 6000 paths" in fault(inputs=[[1, 1]] * 12)
    assert "at most 24 inputs and neurons" in fault(weights=[[[1, 1]] * 30, [[1] * 30]])
    assert "decay" in fault(decay=2) and "threshold" in fault(threshold="-1")
    assert "weights[0][0][0] must be a number" in fault(weights=[[["x", 1], [1, 1]], [[1, 1]]])
    for options in ({"dialect": "x"}, {"reset_gradient": []}, {"other": 1}, []):
        assert post(server, {"network": description, "options": options})[0] == 400


def test_only_so_many_networks_wait_to_be_computed(server, description):
    for _ in range(live.MOST_WAITING):
        assert server.waiting.acquire(blocking=False)
    try:
        assert post(server, {"network": description, "options": {}})[0] == 503
        assert ask(server, request(server))[0] == 200
    finally:
        server.waiting.release(live.MOST_WAITING)


def test_slow_clients_are_ended_and_keep_nobody_out(monkeypatch):
    monkeypatch.setattr(live, "LONGEST_REQUEST", 0.5)
    monkeypatch.setattr(live, "MOST_CONNECTIONS", 4)
    with serving() as server:
        slow = [socket.create_connection((live.ADDRESS, server.server_port), 10) for _ in range(12)]
        for connection in slow:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: 1")
        assert ask(server, request(server))[0] == 200
        started, ended = time.monotonic(), 0
        for connection in slow:  # one byte after another does not buy time
            try:
                while time.monotonic() - started < 5:
                    connection.sendall(b"2")
                    time.sleep(0.05)
            except OSError:
                ended += 1
            connection.close()
        assert ended == len(slow) and time.monotonic() - started < 5


def test_a_port_that_is_taken_is_one_line(server, capsys):
    assert main(["explain", "--live", "--port", str(server.server_port)]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and f"127.0.0.1:{server.server_port} cannot be served" in err


def test_ctrl_c_ends_it_within_two_seconds_whatever_clients_do(description):
    command = [sys.executable, "-m", "ottt_ref", "explain", "--live"]
    with hearing_interrupts():
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
    try:
        _interrupt(process, description)
    finally:
        process.kill()
        process.communicate()


def _interrupt(process, description):
    address = process.stdout.readline().split()[0]
    port = int(address.rstrip("/").rpartition(":")[2])
    assert address == f"http://127.0.0.1:{port}/"
    with (
        socket.create_connection(("127.0.0.1", port), 10) as waiting,
        socket.create_connection(("127.0.0.1", port), 10) as computing,
    ):
        waiting.sendall(
            b"GET / HTTP/1.1\r\n"
        )  # a client in the middle of its request, and one that waits for an answer
        body = json.dumps({"network": description, "options": {}}).encode()
        head = f"POST /explain HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
        computing.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        time.sleep(0.3)
        started = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=10)
    assert time.monotonic() - started < 2 and process.returncode == 130
    assert err == "ottt-ref: interrupted; the page is no longer served\n"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    if find() is None:
        pytest.skip("there is no Chromium here to show the page")
    opened = Browser(find(), tmp_path_factory.mktemp("browser"))
    yield opened
    opened.close()


CELL = "document.querySelector('#all td[data-method=ottt][data-weight=\"0\"]').dataset.value"


def gradient(network, found):
    activity = run(network, found.inputs)
    return (
        METHODS["ottt"].sums(network, activity, found.inputs, found.targets, found.loss).values["layer0.weight"][0, 0]
    )


def write(browser, name, text):
    browser.run(
        f"(() => {{ const w = document.getElementsByName('{name}')[0]; w.focus(); w.value = {json.dumps(text)}; }})()"
    )


def move(browser, slider, words):
    """A slider to the value that is said in these words."""
    browser.run(
        f"(() => {{ const slider = document.getElementById('{slider}');"
        " for (slider.value = 0; ; slider.value = Number(slider.value) + 1) {"
        "  slider.dispatchEvent(new Event('input'));"
        f"  if (slider.getAttribute('aria-valuetext') === '{words}') return;"
        "  if (slider.value === slider.max) throw new Error(slider.value);"
        " } })()"
    )


def test_a_change_and_enter_show_the_librarys_answer(server, browser):
    browser.open(server.address)
    before = browser.run(CELL)
    write(browser, "weights.1.0.0", "-3/4")
    browser.key("Enter", 13, "\r")
    browser.wait(f"{CELL} !== {json.dumps(before)}")
    found = example()
    found.network.parameters["layer1.weight"][0, 0] = Fraction(-3, 4)
    assert Fraction(browser.run(CELL)) == gradient(found.network, found)
    write(browser, "weights.1.0.0", "-3\t/ 4e")
    browser.run("document.getElementById('form').requestSubmit()")
    browser.wait("document.getElementById('edit-fault').textContent.includes('weights[1][0][0]')")
    write(browser, "weights.1.0.0", str(2**53 + 1))  # is no float
    browser.run("document.getElementById('form').requestSubmit()")
    browser.wait("document.getElementById('edit-fault').textContent === ''")
    browser.wait(f"{CELL} !== {json.dumps(before)} && !document.body.classList.contains('computing')")
    found.network.parameters["layer1.weight"][0, 0] = Fraction(2**53 + 1)
    assert Fraction(browser.run(CELL)) == gradient(found.network, found)
    write(browser, "weights.1.0.0", "-3/4")
    reset = "document.getElementsByName('reset')[0]"
    browser.run(
        f"(() => {{ {reset}.value = 'hard'; {reset}.dispatchEvent(new Event('change', {{bubbles: true}})); }})()"
    )
    browser.wait("!document.body.classList.contains('computing')")
    found.network.parameters["layer1.weight"][0, 0] = Fraction(-3, 4)
    hard = [Layer(each.synapses, replace(each.neuron, reset="hard")) for each in found.network.layers]
    assert Fraction(browser.run(CELL)) == gradient(Network(hard), found)
    assert all(url.startswith((server.address, "data:")) for url in browser.requests)


def test_decays_of_neurons_are_in_the_form_too(browser):
    content = {
        "weights": [[["3/4"], [1]], [["1/2", 1]]],
        "inputs": [[1], [1], [0]],
        "targets": [1],
        "readout": "spiking",
    }
    with serving(found=described({**content, "decay": [["1/2", "1/3"], "3/4"]})) as server:
        browser.open(server.address)
        before = browser.run(CELL)
        write(browser, "decay.0.0", "1/8")
        browser.key("Enter", 13, "\r")
        browser.wait(f"{CELL} !== {json.dumps(before)}")
        changed = described({**content, "decay": [["1/8", "1/3"], "3/4"]})
        assert Fraction(browser.run(CELL)) == gradient(changed.network, changed)
        assert browser.run("[...document.querySelectorAll('#sliders input')].map((each) => each.disabled)") == [
            *(True, False, False)
        ]


def test_all_three_sliders_ask_the_library_and_say_that_it_computes(server, browser):
    browser.open(server.address)
    found, settings = example(), {"decay": Fraction(1, 2), "threshold": Fraction(1), "surrogate": Fraction(1)}
    fields = {"decay": "decay", "threshold": "threshold", "surrogate": "surrogate.width"}
    for name, value, place in (("threshold", "5/4", "-too"), ("surrogate", "2", ""), ("decay", "3/8", "")):
        settings[name] = Fraction(value)
        with server.computing:
            move(browser, f"slider-{name}{place}", value)
            said = "[...document.querySelectorAll('.asked, #edit-said')].map((each) => each.textContent)"
            assert browser.run(said) == ["computing …"] * 3
        browser.wait("!document.body.classList.contains('computing')")
        assert browser.run(said) == [""] * 3
        layers = []
        for layer in found.network.layers:
            surrogate = replace(layer.neuron.surrogate, width=settings["surrogate"])
            changed = {"decay": settings["decay"], "threshold": settings["threshold"], "surrogate": surrogate}
            layers.append(Layer(layer.synapses, replace(layer.neuron, **changed)))
        assert Fraction(browser.run(CELL)) == gradient(Network(layers), found), name
        written = browser.run(f"document.getElementsByName('{fields[name]}')[0].value")
        assert written == value == browser.run(f"document.getElementById('slider-{name}-too').ariaValueText")


def test_a_slider_that_the_library_refuses_goes_back_and_says_why(server, browser):
    browser.open(server.address)
    before = browser.run(CELL)
    write(browser, "weights.1.0.0", "x")
    move(browser, "slider-decay", "1/4")
    browser.wait("document.querySelector('#sliders-too .asked').textContent.includes('weights[1][0][0] must be')")
    assert browser.run("document.getElementById('slider-decay').ariaValueText") == "1/2"
    assert browser.run("document.getElementsByName('decay')[0].value") == "1/2" and browser.run(CELL) == before
    write(browser, "weights.1.0.0", "-1/2")
    browser.run("document.getElementById('slider-decay').focus()")
    browser.key("ArrowLeft", 37)  # by key, and the focus stays
    browser.wait(f"{CELL} !== {json.dumps(before)}")
    assert browser.run("document.activeElement.id") == "slider-decay"
    assert browser.run("document.querySelector('#sliders .asked').textContent") == ""
    assert browser.run("document.getElementById('slider-decay').ariaValueText") == "3/8"
    assert browser.problems == [] or all("400" in problem for problem in browser.problems)  # refusals alone
