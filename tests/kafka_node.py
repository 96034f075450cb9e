"""One real Apache Kafka for tests: a KRaft node from its jars, on free loopback ports, with its data in a temporary folder.

Its jars come through Maven once, into `.cache/kafka-libs`. The node can be killed like a machine that loses power
(`kill`), and started again on the same data and ports; with the short timeouts below it is back within seconds.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from filelock import FileLock

from nisba.config import Config
from pipelines.broker.topics import topic_name
from schemas.topics import TOPICS

ROOT = Path(__file__).resolve().parent.parent
POM = ROOT / "tests" / "integration" / "kafka" / "pom.xml"
LIBS = ROOT / ".cache" / "kafka-libs"
CLUSTER_ID = "4L6g3nShT-eMCtK--X86sw"
JAVA = ["java", "-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]

WATCH = '"$@" & node=$!; cat > /dev/null; kill -9 $node; wait $node'
"""The node under a shell that holds our pipe: it is killed when the pipe closes, also when the tests themselves are killed."""

PROPERTIES = """process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
controller.quorum.voters=1@127.0.0.1:{controller}
log.dirs={data}
auto.create.topics.enable=false
default.replication.factor=1
min.insync.replicas=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=4
group.initial.rebalance.delay.ms=0
num.network.threads=2
num.io.threads=2
log.cleaner.threads=1
log.cleaner.dedupe.buffer.size=16777216
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
"""

LOGGING = """rootLogger.level = WARN
rootLogger.appenderRef.stdout.ref = STDOUT
appender.stdout.type = Console
appender.stdout.name = STDOUT
appender.stdout.layout.type = PatternLayout
appender.stdout.layout.pattern = [%d] %p %m (%c)%n
"""


def kafka_libs() -> Path:
    """Return the folder of Kafka's jars, fetched once; several test processes may ask at a time."""
    LIBS.parent.mkdir(exist_ok=True)
    with FileLock(f"{LIBS}.lock"):
        if not (LIBS / ".complete").exists():
            here = [f"-DoutputDirectory={LIBS}", f"-Dmaven.repo.local={LIBS.parent / 'maven'}"]  # nothing into the user's home
            command = ["mvn", "-q", "-B", "-f", POM, "dependency:copy-dependencies", *here, "-DincludeScope=runtime"]
            subprocess.run([str(part) for part in command], check=True, timeout=600)
            (LIBS / ".complete").touch()
    return LIBS


def free_ports(count: int) -> list[int]:
    """Return ports that were free a moment ago."""
    taken = [socket.socket() for _ in range(count)]
    for each in taken:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in taken]
    for each in taken:
        each.close()
    return ports


class KafkaNode:
    """A node with a life of its own; `address` stays the same over kills and starts."""

    def __init__(self, home: Path, extra: str = "") -> None:
        self.home = home
        self.process: subprocess.Popen[bytes] | None = None
        port, controller = free_ports(2)
        self.address = f"127.0.0.1:{port}"
        self.settings = home / "server.properties"
        self.settings.write_text(PROPERTIES.format(port=port, controller=controller, data=home / "data") + extra)
        logging = home / "log4j2.properties"
        logging.write_text(LOGGING)
        self.java = [*JAVA, f"-Dlog4j2.configurationFile={logging}", "-cp", f"{kafka_libs()}/*"]
        format_ = [*self.java, "kafka.tools.StorageTool", "format", "--cluster-id", CLUSTER_ID, "--config", str(self.settings)]
        done = subprocess.run(format_, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode:
            raise RuntimeError(done.stdout + done.stderr)

    def start(self, seconds: float = 60) -> KafkaNode:
        """Start the node and wait until it answers."""
        with (self.home / "broker.log").open("ab") as log:
            command = [*self.java, "kafka.Kafka", str(self.settings)]
            self.process = subprocess.Popen(
                ["sh", "-c", WATCH, "sh", *command], stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT, cwd=self.home
            )
        deadline = time.monotonic() + seconds
        while not self._answers():
            if time.monotonic() > deadline:
                raise RuntimeError((self.home / "broker.log").read_text()[-3000:])
            time.sleep(0.1)
        return self

    def _answers(self) -> bool:
        host, port = self.address.split(":")
        try:
            socket.create_connection((host, int(port)), 0.2).close()
            admin = AdminClient({"bootstrap.servers": self.address, "log_level": 0})
            return bool(admin.list_topics(timeout=2).brokers)
        except (OSError, KafkaException):
            return False

    def kill(self) -> None:
        """End the node as a power cut would."""
        if self.process is not None and self.process.stdin is not None:
            self.process.stdin.close()
            self.process.wait(30)
            self.process = None

    def segments(self, topic: str, partition: int) -> list[Path]:
        """Return the log files of a partition."""
        return sorted((self.home / "data" / f"{topic}-{partition}").glob("*.log"))


@contextmanager
def kafka_node(home: Path, extra: str = "") -> Iterator[KafkaNode]:
    """Run a node for the length of the block; nothing of it stays."""
    home.mkdir(parents=True, exist_ok=True)
    node = KafkaNode(home, extra)
    try:
        yield node.start()
    finally:
        node.kill()
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def any_kafka(home: Path) -> Iterator[str]:
    """Yield the address of a Kafka: the one of NISBA_TEST_KAFKA, or a node of our own."""
    given = os.environ.get("NISBA_TEST_KAFKA")
    if given:
        yield given
    else:
        with kafka_node(home) as node:
            yield node.address


def fresh_config(address: str, warehouse: Path) -> Config:
    """Return a configuration with topics of its own, so that tests can share a broker."""
    prefix = f"t{uuid.uuid4().hex[:10]}."
    kafka = msgspec.structs.replace(
        Config().kafka, bootstrap_servers=address, topics={topic.name: prefix + topic.name for topic in TOPICS}, group=prefix + "nisba"
    )
    warehouse_section = msgspec.structs.replace(Config().warehouse, path=str(warehouse))
    return msgspec.structs.replace(Config(), kafka=kafka, warehouse=warehouse_section)


def actual_topics(config: Config) -> list[str]:
    """Return the names of the topics in a configuration."""
    return [topic_name(config.kafka, topic.name) for topic in TOPICS]
