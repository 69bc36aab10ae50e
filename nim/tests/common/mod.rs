//! A network namespace of its own for each test, and hats-nim in it.

#![allow(dead_code, reason = "not every test binary needs all of it")]

use std::{
    collections::VecDeque,
    io::{Read, Write},
    net::IpAddr,
    os::{fd::OwnedFd, unix::net::UnixStream},
    process::{Child, Command as Process, Stdio},
    time::{Duration, Instant},
};

use hats_wire::{
    GroupId, Incarnation, NodeId,
    link::{
        Command, Configure, Frames, Link, Mode, NeighbourState, Report, decode_report,
        encode_command,
    },
};

/// Set in the process that has its own namespaces.
const INSIDE: &str = "HATS_TEST_IN_NAMESPACE";

/// Nothing in these tests takes longer, unless it is broken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Runs `body` in fresh user, network and mount namespaces, as the root of them.
/// Where the kernel permits none, says so and passes.
pub(crate) fn in_namespace(test: &str, body: impl FnOnce()) {
    if std::env::var_os(INSIDE).is_some() {
        run("mount -t tmpfs none /run");
        run("ip link set lo up");
        return body();
    }
    let permitted = Process::new("unshare").args(["-rnm", "true"]).output();
    if !permitted.is_ok_and(|output| output.status.success()) {
        println!("skipped: no network namespaces here (tried `unshare -rnm`)");
        return;
    }
    if Process::new("ip").arg("-V").output().is_err() {
        println!("skipped: no `ip` (iproute2) here");
        return;
    }
    let own = std::env::current_exe().unwrap();
    let status = Process::new("unshare")
        .args(["-rnm", "--kill-child"])
        .arg(own)
        .args([test, "--exact", "--nocapture", "--test-threads=1"])
        .env(INSIDE, "1")
        .status()
        .unwrap();
    assert!(status.success(), "{test} failed in its namespace: {status}");
}

/// Runs one command line; it must succeed.
pub(crate) fn run(line: &str) {
    let mut words = line.split_ascii_whitespace();
    let output = Process::new(words.next().unwrap()).args(words).output().unwrap();
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
}

pub(crate) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// A second host, `b`, with two cables to this one: a0-b0 and a1-b1.
pub(crate) fn second_host() {
    run("ip netns add b");
    run("ip -n b link set lo up");
    for cable in 0..2 {
        run(&format!("ip link add a{cable} type veth peer name b{cable} netns b"));
        run(&format!("ip link set a{cable} up"));
        run(&format!("ip -n b link set b{cable} up"));
    }
}

pub(crate) fn group() -> GroupId {
    GroupId { leader: ip("10.1.0.2"), instance: 3 }
}

/// 20 ms x 3 by multicast.
pub(crate) fn configure(interface: &str, address: &str, node: u64) -> Configure {
    let address = ip(address);
    Configure {
        interface: interface.to_owned(),
        address,
        prefix_length: if address.is_ipv4() { 24 } else { 64 },
        mode: Mode::Multicast,
        group: Some(if address.is_ipv4() { ip("239.77.1.1") } else { ip("ff02::4711") }),
        port: 12347,
        node_id: NodeId(node),
        incarnation: Incarnation(1),
        cluster: 7,
        heartbeat_interval_ns: 20_000_000,
        sensitivity: 3,
        realtime_priority: 0,
        lock_memory: false,
    }
}

/// A running hats-nim, seen from its daemon.
pub(crate) struct Nim {
    child: Child,
    socket: UnixStream,
    frames: Frames,
    /// Reports that no one has asked for yet.
    reports: VecDeque<Report>,
}

impl Nim {
    pub(crate) fn start(config: Configure) -> Nim {
        let mut nim = Nim::bare(Process::new(env!("CARGO_BIN_EXE_hats-nim")));
        nim.command(&Command::Configure(config));
        nim
    }

    pub(crate) fn start_on_b(config: Configure) -> Nim {
        let mut process = Process::new("ip");
        process.args(["netns", "exec", "b", env!("CARGO_BIN_EXE_hats-nim")]);
        let mut nim = Nim::bare(process);
        nim.command(&Command::Configure(config));
        nim
    }

    /// Without any command.
    pub(crate) fn bare(mut process: Process) -> Nim {
        let (socket, theirs) = UnixStream::pair().unwrap();
        let child = process.stdin(Stdio::from(OwnedFd::from(theirs))).spawn().unwrap();
        Nim { child, socket, frames: Frames::new(), reports: VecDeque::new() }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn command(&mut self, command: &Command) {
        self.raw(&encode_command(command));
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.socket.write_all(bytes).unwrap();
    }

    pub(crate) fn watch(&mut self, neighbour: &str) {
        self.command(&Command::Watch {
            group: group(),
            feed: vec![ip(neighbour)],
            expect: vec![ip(neighbour)],
        });
    }

    /// Waits for the first report that `pick` takes; those before it are gone.
    pub(crate) fn expect<T>(
        &mut self,
        what: &str,
        mut pick: impl FnMut(&Report) -> Option<T>,
    ) -> T {
        let start = Instant::now();
        let mut passed = Vec::new();
        while start.elapsed() < PATIENCE {
            while let Some(report) = self.reports.pop_front() {
                if let Some(picked) = pick(&report) {
                    return picked;
                }
                passed.push(report);
            }
            self.read();
        }
        panic!("{what} did not come; these came: {passed:#?}");
    }

    pub(crate) fn expect_link(&mut self, what: &str, mut is: impl FnMut(&Link) -> bool) -> Link {
        self.expect(what, |report| match report {
            Report::Link(link) if is(link) => Some(link.clone()),
            _ => None,
        })
    }

    pub(crate) fn expect_open(&mut self) -> Link {
        self.expect_link("an open adapter", |link| link.open)
    }

    pub(crate) fn expect_neighbour(&mut self, state: NeighbourState) {
        self.expect(state.word(), |report| match report {
            Report::Neighbour(neighbour) if neighbour.state == state => Some(()),
            _ => None,
        });
    }

    /// The datagrams and neighbours' states that come within `span`.
    pub(crate) fn listen(&mut self, span: Duration) -> Vec<Report> {
        let start = Instant::now();
        while start.elapsed() < span {
            self.read();
        }
        self.reports.drain(..).collect()
    }

    /// Says nothing more and waits for the end.
    pub(crate) fn end(&mut self) -> Option<i32> {
        self.socket.shutdown(std::net::Shutdown::Both).unwrap();
        self.wait()
    }

    pub(crate) fn wait(&mut self) -> Option<i32> {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        panic!("hats-nim does not end");
    }

    fn read(&mut self) {
        self.socket.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
        let mut bytes = [0; 65536];
        let Ok(len) = self.socket.read(&mut bytes) else { return };
        assert_ne!(len, 0, "hats-nim has ended: {:?}", self.child.wait());
        self.frames.push(&bytes[..len]);
        while let Some(frame) = self.frames.next().unwrap() {
            self.reports.push_back(decode_report(&frame).unwrap());
        }
    }
}

impl Drop for Nim {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
