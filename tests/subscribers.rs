//! Subscribers and the daemon, killed at random: what a client holds always ends
//! equal to the snapshot, and no event is missing without a word.
//!
//! A real hatsd in a network namespace of its own, whose interfaces come and go,
//! with the Rust and the Python client each writing down what it is told. All
//! three are killed with SIGKILL, alone and together, and started again; clients
//! go on after the last event that they wrote down. Four seconds of it here;
//! longer, and with another seed:
//!
//! ```text
//! HATS_SCENARIO_SECONDS=60 HATS_SCENARIO_SEED=7 cargo test -p hats-tests --test subscribers
//! ```
//!
//! The Python client takes part if `HATS_PYTHON`, else `python3`, has `protobuf`.
//! Skipped, with the reason, where namespaces are not permitted.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may panic and say why")]

#[path = "subscribers/keeper.rs"]
mod keeper;
#[path = "subscribers/parties.rs"]
mod parties;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use hats_client::{Client, PastUpdate, View, ipc::GetEvents};
use hats_lab::netlink::Netlink;
use netlink_packet_route::link::LinkAttribute;
use parties::{Host, Kind, Party};

/// Interfaces that come and go; each time is an event.
const INTERFACES: usize = 6;

/// How long the three may take to agree once all is quiet.
const AGREE: Duration = Duration::from_secs(20);

/// Set in the process that has its own network.
const INSIDE: &str = "HATS_SCENARIO_INSIDE";

#[test]
fn whatever_is_killed_the_state_ends_equal_and_no_event_is_silently_missing() {
    if env::var_os(INSIDE).is_some() {
        return inside();
    }
    let mut command = Command::new("unshare");
    command.arg("--net");
    if !nix::unistd::geteuid().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    let name = "whatever_is_killed_the_state_ends_equal_and_no_event_is_silently_missing";
    let output = command
        .arg(env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture"])
        .env(INSIDE, "1")
        .output();
    let output = match output {
        Ok(output) => output,
        Err(error) => return println!("skipped: no unshare: {error}"),
    };
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if said.starts_with("unshare: ") {
        return println!("skipped: {said}");
    }
    println!("{}", String::from_utf8_lossy(&output.stdout));
    assert!(output.status.success(), "{said}");
}

/// The Rust client's part; see [`keeper`].
#[test]
fn keeper_in_rust() {
    if let (Some(socket), Some(file)) = (env::var_os("KEEPER_SOCKET"), env::var_os("KEEPER_FILE")) {
        keeper::keep(Path::new(&socket), Path::new(&file));
    }
}

/// Small and the same everywhere; where it takes part in no decision of hats.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        // xorshift64*
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % end
    }
}

fn number(name: &str, default: u64) -> u64 {
    env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn inside() {
    let seconds = number("HATS_SCENARIO_SECONDS", 4);
    let mut random = Random(number("HATS_SCENARIO_SEED", 1).max(1));
    let host = Host::new(INTERFACES);
    let mut interfaces = Interfaces::new();
    let mut daemon = host.start(Kind::Daemon);
    let mut keepers = vec![host.start(Kind::Rust)];
    match parties::python() {
        Some(python) => keepers.push(host.start(Kind::Python(python))),
        None => println!("without the Python client: no python3 with protobuf (HATS_PYTHON)"),
    }
    host.wait_for_daemon();
    let (mut kills, mut changes) = (0, 0);
    let until = Instant::now() + Duration::from_secs(seconds);
    while Instant::now() < until {
        match random.below(100) {
            0..4 => (daemon, kills) = (daemon.killed(), kills + 1),
            4..8 => {
                let at = usize::try_from(random.below(keepers.len() as u64)).unwrap();
                let keeper = keepers.remove(at);
                keepers.push(keeper.killed());
                kills += 1;
            }
            8..10 => {
                daemon.kill();
                keepers = keepers.into_iter().map(Party::killed).collect();
                (daemon, kills) = (daemon.killed(), kills + 2);
            }
            _ => {
                interfaces.change(usize::try_from(random.below(INTERFACES as u64)).unwrap());
                changes += 1;
            }
        }
        // The clients' ends are not in step with the daemon's.
        std::thread::sleep(Duration::from_micros(random.below(8_000)));
    }
    let count = agree(&host, &keepers);
    println!(
        "{seconds} s: {changes} changes, {kills} kills, {count} events; {} clients agree",
        keepers.len()
    );
}

/// Interfaces by two names each: one that hatsd waits for, and another.
struct Interfaces {
    netlink: Netlink,
    indices: Vec<u32>,
    there: Vec<bool>,
}

impl Interfaces {
    fn new() -> Interfaces {
        let mut netlink = Netlink::open().unwrap();
        let mut indices = Vec::new();
        for number in 0..INTERFACES {
            netlink.add_bridge(&format!("away{number}")).unwrap();
            indices.push(netlink.index(&format!("away{number}")).unwrap());
        }
        Interfaces { netlink, indices, there: vec![false; INTERFACES] }
    }

    fn change(&mut self, number: usize) {
        self.there[number] = !self.there[number];
        let name = if self.there[number] { "here" } else { "away" };
        let name = LinkAttribute::IfName(format!("{name}{number}"));
        self.netlink.change(self.indices[number], None, vec![name]).unwrap();
    }
}

/// Waits until what each client holds is what the daemon says, then holds what
/// it was told against all there was. Gives how many events that were.
fn agree(host: &Host, keepers: &[Party]) -> usize {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let until = Instant::now() + AGREE;
    loop {
        let (snapshot, events) = runtime.block_on(ask(&host.socket()));
        let expected = View::new(snapshot).lasting();
        let different = keepers.iter().find(|keeper| {
            let view = keeper.view().map(|view| View::new(view).lasting());
            view.as_ref() != Some(&expected) || keeper.events().last() != events.last()
        });
        let Some(different) = different else {
            return compare(host, keepers, &events);
        };
        if Instant::now() > until {
            let view = different.view().map(|view| View::new(view).lasting());
            let last = different.events().last().copied();
            panic!(
                "{} does not agree; its last event is {last:?}, the daemon's {:?}\n{view:?}\nand \
                 the daemon's state\n{expected:?}",
                different.name(),
                events.last(),
            );
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn compare(host: &Host, keepers: &[Party], events: &[(u64, u64)]) -> usize {
    for pair in events.windows(2) {
        let follows = if pair[0].0 == pair[1].0 { pair[0].1 + 1 } else { 1 };
        assert_eq!(pair[1].1, follows, "the journal has {pair:?}");
    }
    // The log is written after the journal: it can have nothing more.
    for logged in host.logged() {
        assert!(events.binary_search(&logged).is_ok(), "{logged:?} was logged, not kept");
    }
    for keeper in keepers {
        let told = keeper.events();
        let gaps = keeper.gaps();
        assert!(gaps.is_empty(), "{} was told of gaps: {gaps:?}", keeper.name());
        let first = told.first().unwrap();
        let from = events.binary_search(first).unwrap();
        let missing: Vec<_> = events[from..].iter().filter(|it| !told.contains(it)).collect();
        assert!(missing.is_empty(), "{} was never told {missing:?}", keeper.name());
        assert_eq!(told, events[from..], "{} was told in another order", keeper.name());
        println!("{}: {} events in order, none missing", keeper.name(), told.len());
    }
    events.len()
}

/// The state, and every event there ever was.
async fn ask(socket: &Path) -> (hats_client::ipc::Snapshot, Vec<(u64, u64)>) {
    let wait = Duration::from_secs(5);
    let mut client = loop {
        // It may just be starting.
        match Client::connect(socket, "scenario", wait).await {
            Ok(client) => break client,
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    };
    let mut events = Vec::new();
    let mut past = client.events(GetEvents::default()).await.unwrap();
    loop {
        match past.next().await.unwrap() {
            PastUpdate::Event(event) => events.push((event.epoch, event.seq)),
            PastUpdate::Lost(lost) => assert_eq!((lost.count, lost.more), (0, false), "{events:?}"),
            PastUpdate::End(_) => break,
        }
    }
    (client.snapshot().await.unwrap(), events)
}

/// The directory with the project's programs.
fn programs() -> PathBuf {
    // .../target/debug/deps/subscribers-0123
    let own = env::current_exe().unwrap();
    let directory = own.parent().and_then(Path::parent).unwrap().to_owned();
    let program = directory.join("hatsd");
    let is_there = fs::metadata(&program).is_ok();
    assert!(is_there, "{} is not there: cargo build -p hatsd", program.display());
    directory
}
