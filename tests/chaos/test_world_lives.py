"""A world through the deaths of its processes, changes of its files, and its own end. Real processes."""

from __future__ import annotations

import contextlib
import errno
import os
import pty
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from small_world import APPLICATION, TEMPLATE, SmallApplication, alive, outputs, pids, table, with_descendants

pytestmark = [pytest.mark.world, pytest.mark.timeout(180)]

CONTROL_PLANE = ("guardian", "supervisor")
PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> SmallApplication:
    return SmallApplication(tmp_path_factory.mktemp("application"))


@pytest.fixture(scope="module")
def world(start_world: Callable[..., Any], application: SmallApplication) -> Any:
    return start_world(application.folder, "--wan", "off")


@pytest.fixture
def up(world: Any, application: SmallApplication) -> Callable[[], subprocess.CompletedProcess[str]]:
    """Starts that world again, on the same state directory."""

    def start() -> subprocess.CompletedProcess[str]:
        options = ("--detach", "--port-base", str(world.port_base), "--wan", "off")
        outcome: subprocess.CompletedProcess[str] = world.run("up", str(application.folder), *options)
        return outcome

    return start


def kill(*victims: int) -> None:
    for pid in victims:
        os.kill(pid, signal.SIGKILL)


def said(world: Any, region: str = "eu-west-1") -> str:
    """What the application answers."""
    answer = world.request("london", f"http://{outputs(world, region)['Host']}/")
    assert answer.status == 200, answer
    return str(answer.json() if answer.body.startswith(b'"') else answer.body.decode())


def test_a_guardian_that_dies_gets_a_successor_and_so_does_the_supervisor(
    world: Any, eventually: Callable[..., Any]
) -> None:
    before = pids(world)
    kill(before["guardian"])
    eventually(lambda: pids(world)["supervisor"] != before["supervisor"])
    with_guardian = pids(world)
    kill(with_guardian["supervisor"])
    after = pids(world)
    assert after["supervisor"] != with_guardian["supervisor"]
    regions = [name for name in before if name not in CONTROL_PLANE]
    eventually(lambda: [pids(world)[name] for name in regions] == [before[name] for name in regions])


def test_a_world_without_a_control_plane_serves_and_is_taken_over_as_it_is(
    world: Any, up: Callable[[], subprocess.CompletedProcess[str]]
) -> None:
    host = outputs(world, "eu-west-1")["Host"]
    before = pids(world)
    kill(before["guardian"], before["supervisor"])
    assert world.request("london", f"http://{host}/").status == 200
    assert world.json("dig", host, "--from", "tokyo")["answers"]
    assert world.run("curl", f"http://{host}/").stdout == "one from eu-west-1"
    silent = world.run("status", check=False)
    assert silent.returncode == 1
    assert "is dead" in silent.stderr and "eu-west-1" in silent.stderr and "`globule up`" in silent.stderr
    up()
    after = pids(world)
    assert {name: pid for name, pid in after.items() if name not in CONTROL_PLANE} == {
        name: pid for name, pid in before.items() if name not in CONTROL_PLANE
    }


def test_a_world_whose_processes_all_died_at_once_comes_back_with_what_it_acknowledged(
    world: Any, up: Callable[[], subprocess.CompletedProcess[str]], eventually: Callable[..., Any]
) -> None:
    for number in range(20):
        table(world, "us-east-1").put_item(Item={"id": str(number)})
    said(world)  # so that a worker runs
    victims = pids(world)
    family = with_descendants(victims.values())
    kill(*victims.values())
    eventually(lambda: not alive(family))
    up()
    found = table(world, "us-east-1").scan(ConsistentRead=True)["Items"]
    assert {item["id"] for item in found} >= {str(number) for number in range(20)}
    assert said(world) == "one from eu-west-1"


def test_a_world_whose_supervisor_is_dead_can_be_ended_and_leaves_nothing(
    world: Any, up: Callable[[], subprocess.CompletedProcess[str]]
) -> None:
    said(world)
    before = pids(world)
    family = with_descendants(before.values())
    sockets = (world.state / "sockets").resolve()
    assert sockets.is_dir()
    kill(before["guardian"], before["supervisor"])
    world.run("down")
    assert not alive(family)
    assert not sockets.exists() and not (world.state / "sockets").is_symlink()
    again = world.run("down", check=False)
    assert again.returncode == 1 and "no world is running" in again.stderr
    up()


def test_what_cannot_be_broken_is_refused_by_name(world: Any) -> None:
    for words, status, sentence in (
        (("partition", "tokio"), 2, "did you mean tokyo"),
        (("heal", "eu-west-1", "Atlantis"), 2, "no place is called 'Atlantis'"),
        (("kill", "eu-west-9"), 1, "there are edge, eu-west-1, us-east-1"),
        (("slow", "tokyo", "--delay", "nan"), 2, "a delay is from 0"),
        (("slow", "tokyo", "--loss", "2"), 2, "is not in the range"),
    ):
        outcome = world.run("fault", *words, check=False)
        assert outcome.returncode == status and sentence in outcome.stderr, outcome
    assert world.json("status")["faults"] == {"dead": [], "links": []}


def test_healing_says_what_is_still_broken(world: Any) -> None:
    world.run("fault", "partition", "eu-west-1")
    world.run("fault", "slow", "tokyo", "us-east-1", "--delay", "5")
    assert "still in force: nothing passes between eu-west-1" in world.run("fault", "heal", "tokyo").stdout
    assert world.run("fault", "heal").stdout == "all links are whole.\n"


def test_a_web_page_cannot_speak_as_a_region_through_the_internets_door(world: Any) -> None:
    """The door vouches for its clients' places, and for nothing else that they say."""
    site = outputs(world, "us-east-1")["Host"]
    for host, answered in ((site, b"from us-east-1"), ("s3.us-east-1.amazonaws.com", b"<Error>")):
        answer = world.request("london", f"http://{host}/_globule/replication", method="POST", body={"any": "thing"})
        assert answered in answer.body, answer


def test_a_template_that_breaks_changes_nothing_until_it_is_mended(
    world: Any, application: SmallApplication, eventually: Callable[..., Any]
) -> None:
    log = world.state / "logs" / "supervisor.log"
    application.write("template.yaml", TEMPLATE.replace("AWS::DynamoDB::Table", "AWS::Nothing::Known"))
    eventually(lambda: "AWS::Nothing::Known" in log.read_text())
    assert said(world) == "one from eu-west-1"
    application.write("template.yaml", TEMPLATE.replace("WORD: one", "WORD: two"))
    eventually(lambda: said(world) == "two from eu-west-1")
    application.write("code/hello.py", "def handler(event, context):\n    return 'new code'\n")
    eventually(lambda: said(world) == "new code")


def test_a_change_that_does_not_come_up_is_rolled_back_and_said(
    world: Any, application: SmallApplication, eventually: Callable[..., Any]
) -> None:
    log = world.state / "logs" / "supervisor.log"
    name = outputs(world, "eu-west-1")["Table"]
    behaviour = (
        "{TargetOriginId: a, ViewerProtocolPolicy: allow-all, CachePolicyId: 11111111-2222-3333-4444-555555555555}"
    )
    site = f"""
  Site:
    Type: AWS::CloudFront::Distribution
    Properties:
      DistributionConfig:
        Enabled: true
        Origins: [{{Id: a, DomainName: example.com, CustomOriginConfig: {{OriginProtocolPolicy: https-only}}}}]
        DefaultCacheBehavior: {behaviour}
Outputs:"""
    application.write("template.yaml", TEMPLATE.replace("\nOutputs:", site))
    eventually(lambda: "rolled back, because" in log.read_text())
    assert outputs(world, "eu-west-1")["Table"] == name
    assert all(not process["problems"] for process in world.json("status")["processes"])
    application.write("template.yaml", TEMPLATE.replace("WORD: one", "WORD: three"))
    application.write("code/hello.py", "import os\ndef handler(event, context):\n    return os.environ['WORD']\n")
    eventually(lambda: said(world) == "three")


def test_a_supervisor_killed_in_the_middle_of_a_change_goes_on_with_the_same_tables(
    world: Any, application: SmallApplication, eventually: Callable[..., Any]
) -> None:
    """As soon as a table is published it may be written to, whatever its control plane remembers of it."""
    current = world.state / "world" / "current.json"
    for number in range(3):
        more = TEMPLATE.replace("Notes", f"Kept{number}")
        application.write("template.yaml", more)
        published = re.compile(rf"small-Kept{number}-[A-Z2-7]+")
        while not (found := published.search(current.read_text())):
            pass
        kill(pids_of_supervisor(world))
        eventually(lambda number=number: outputs(world, "eu-west-1")["Table"].startswith(f"small-Kept{number}-"))
        names = {outputs(world, region)["Table"] for region in ("eu-west-1", "us-east-1")}
        assert found[0] in names


def pids_of_supervisor(world: Any) -> int:
    """Without asking it."""
    with socket.socket(socket.AF_UNIX) as caller:
        caller.connect(str((world.state / "sockets").resolve() / "supervisor.sock"))
        return int.from_bytes(caller.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 4), sys.byteorder)


def test_a_region_that_joins_serves_and_one_that_leaves_ends(
    world: Any, application: SmallApplication, eventually: Callable[..., Any]
) -> None:
    application.write("template.yaml", TEMPLATE)
    application.write("globule.toml", APPLICATION.replace('"us-east-1"', '"us-east-1", "sa-east-1"'))
    eventually(lambda: "sa-east-1" in pids(world) and said(world, "sa-east-1"))
    left = pids(world)["sa-east-1"]
    application.write("globule.toml", APPLICATION)
    eventually(lambda: world.json("status")["regions"] == ["eu-west-1", "us-east-1"])
    eventually(lambda: not alive({left}))


@pytest.mark.parametrize("ending", ["terminal", "SIGTERM"])
def test_a_world_does_not_outlive_the_command_that_shows_it(
    application: SmallApplication, tmp_path: Path, port_base: int, eventually: Callable[..., Any], ending: str
) -> None:
    state = tmp_path / "state"
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "globule.cli", "up", str(application.folder), "--port-base", str(port_base)]
    shown = subprocess.Popen(
        [*command, "--state", str(state)], stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    os.close(theirs)
    screen = b""
    try:
        while b"Ctrl-C stops the world" not in screen:
            screen += os.read(ours, 65536)
        sockets = (state / "sockets").resolve()
        status = subprocess.run(
            [sys.executable, "-m", "globule.cli", "status", "--json", "--state", str(state)], capture_output=True
        )
        family = with_descendants(map(int, re.findall(rb'_?pid": (\d+)', status.stdout)))
        assert len(family) >= 5
        if ending == "terminal":
            os.close(ours)
            shown.send_signal(signal.SIGHUP)  # as its session's leader gets it
        else:
            shown.send_signal(signal.SIGTERM)
        assert shown.wait(PATIENCE_S) == 0
        assert not alive(family) and not sockets.exists()
    finally:
        shown.kill()
        shown.wait()
        with contextlib.suppress(OSError):
            os.close(ours)


@pytest.fixture
def held(port_base: int) -> Iterator[int]:
    """A UDP port in use, where the doors of that base would be."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", port_base + 53))
        yield port_base


def test_a_door_whose_port_is_taken_is_named_before_anything_starts(
    application: SmallApplication, tmp_path: Path, held: int
) -> None:
    command = [sys.executable, "-m", "globule.cli", "up", str(application.folder), "--port-base", str(held)]
    outcome = subprocess.run([*command, "--state", str(tmp_path / "state")], capture_output=True, text=True)
    assert outcome.returncode == 1
    assert f"DNS over UDP cannot have port {held + 53}" in outcome.stderr and "--port-base" in outcome.stderr
    assert not (tmp_path / "state" / "logs" / "supervisor.log").exists()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=80m", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode:
        pytest.skip("only root can mount a small disk")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk_refuses_writes_and_changes_and_loses_nothing_that_was_acknowledged(
    start_world: Callable[..., Any], application: SmallApplication, small_disk: Path, eventually: Callable[..., Any]
) -> None:
    world = start_world(application.folder, "--wan", "off", "--no-reload", state=small_disk / "state")
    try:
        notes = table(world, "eu-west-1")
        acknowledged = []
        with pytest.raises(notes.meta.client.exceptions.InternalServerError, match="the disk is full"):
            for number in range(1000):
                notes.put_item(Item={"id": str(number), "data": os.urandom(300_000)})
                acknowledged.append(str(number))
        with contextlib.suppress(OSError), (small_disk / "filler").open("wb", buffering=0) as filler:
            while True:
                filler.write(bytes(4096))
        refused = world.run("fault", "kill", "us-east-1", check=False)
        assert refused.returncode == 1 and os.strerror(errno.ENOSPC) in refused.stderr
        assert all("Item" in notes.get_item(Key={"id": each}, ConsistentRead=True) for each in acknowledged)
        assert said(world)
        (small_disk / "filler").unlink()
        world.run("fault", "kill", "us-east-1")
        kill(world.process("eu-west-1")["pid"])
        eventually(lambda: world.process("eu-west-1")["state"] == "serving")
        assert all("Item" in notes.get_item(Key={"id": each}, ConsistentRead=True) for each in acknowledged)
    finally:
        world.down()
