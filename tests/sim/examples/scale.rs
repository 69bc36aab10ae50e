//! Large clusters: how long they take to form, to rest and to lose members, and
//! what that costs.
//!
//! `cargo run --release -p hats-sim --example scale -- 100,500 2 rest crash10 half`

#![expect(clippy::print_stdout, reason = "it is there to be read")]

use std::{
    collections::BTreeMap,
    env,
    time::{Duration, Instant},
};

use hats_core::event::EventKind;
use hats_sim::{Plan, Traffic, World};

const NAMES: [&str; 20] = [
    "",
    "heartbeat",
    "proclaim",
    "join",
    "prepare",
    "ack",
    "commit",
    "listreq",
    "list",
    "expelled",
    "leave",
    "leaveack",
    "goodbye",
    "probe",
    "reply",
    "relay",
    "chunk",
    "letter",
    "flood",
    "summary",
];
const TICK: Duration = Duration::from_millis(10);

fn main() {
    let mut arguments = env::args().skip(1);
    let sizes = arguments.next().unwrap_or_else(|| "50,100,200".to_owned());
    let networks: u8 = arguments.next().map_or(2, |n| n.parse().expect("number of networks"));
    let parts: Vec<String> = arguments.collect();
    let seed: u64 = env::var("SEED").map_or(1, |seed| seed.parse().expect("SEED is a number"));
    let loss: f64 = env::var("LOSS").map_or(0.0, |loss| loss.parse().expect("LOSS is a part"));
    for nodes in sizes.split(',') {
        let nodes: u32 = nodes.parse().expect("number of nodes");
        let mut world = plan(seed, nodes, networks).build();
        for network in ["neta", "netb"].iter().take(networks.into()) {
            world.loss(network, loss);
        }
        form(&mut world, nodes, networks);
        for part in &parts {
            match part.as_str() {
                "rest" => rest(&mut world, nodes, networks),
                "crash1" => crash(&mut world, nodes, networks, 1),
                "crash10" => crash(&mut world, nodes, networks, 10),
                "half" => crash(&mut world, nodes, networks, nodes / 2),
                other => panic!("{other:?}: expected rest, crash1, crash10 or half"),
            }
        }
    }
}

fn plan(seed: u64, nodes: u32, networks: u8) -> Plan {
    let mut plan = Plan::new(seed);
    let names = ["neta", "netb", "netc"];
    for (k, name) in names.iter().enumerate().take(networks.into()) {
        plan = plan.network(name, &format!("10.{}.0.0/16", 100 + k));
    }
    for i in 1..=nodes {
        for (k, name) in names.iter().enumerate().take(networks.into()) {
            let address = format!("10.{}.{}.{}", 100 + k, i / 250, i % 250 + 1);
            plan = plan.adapter(&format!("n{i}"), name, &format!("eth{k}"), &address);
        }
    }
    plan
}

/// Seconds that this thread has really run: others may want the machine, too.
fn cpu() -> f64 {
    let schedstat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = schedstat.split(' ').next().and_then(|nanos| nanos.parse::<f64>().ok());
    nanos.unwrap_or(0.0) / 1e9
}

struct Meter {
    wall: Instant,
    cpu: f64,
    steps: u64,
    at: Duration,
    traffic: Traffic,
}

impl Meter {
    fn start(world: &World) -> Self {
        let traffic = world.traffic().clone();
        Meter { wall: Instant::now(), cpu: cpu(), steps: world.steps(), at: world.now(), traffic }
    }

    fn print(&self, world: &World, what: &str, adapters: u64) {
        let traffic = world.traffic().since(&self.traffic);
        let total = traffic.total();
        let (wall, cpu) = (self.wall.elapsed().as_secs_f64(), cpu() - self.cpu);
        let steps = world.steps() - self.steps;
        println!(
            "{what}: simulated {:.3} s, wall {wall:.1} s, cpu {cpu:.1} s, {steps} steps ({:.0}/s), \
             sent {} ({} B), arrived {} ({} B); \
             per adapter sent {:.1} ({:.0} B), arrived {:.1} ({:.0} B)",
            (world.now() - self.at).as_secs_f64(),
            steps as f64 / cpu,
            total.sent,
            total.sent_bytes,
            total.arrived,
            total.arrived_bytes,
            total.sent as f64 / adapters as f64,
            total.sent_bytes as f64 / adapters as f64,
            total.arrived as f64 / adapters as f64,
            total.arrived_bytes as f64 / adapters as f64,
        );
        let mut kinds = Vec::new();
        for (kind, name) in NAMES.iter().enumerate() {
            let count = traffic.of(kind as u8);
            if count.sent > 0 {
                kinds.push(format!("{name} {}>{}", count.sent, count.arrived));
            }
        }
        println!("    {}", kinds.join(", "));
    }
}

fn form(world: &mut World, nodes: u32, networks: u8) {
    let meter = Meter::start(world);
    let verbose = env::var("VERBOSE").is_ok();
    while !world.formed() && world.now() < Duration::from_secs(20) {
        world.run_for(TICK);
        if verbose {
            eprintln!(
                "{:?} {:.1} s wall {} steps",
                world.now(),
                meter.wall.elapsed().as_secs_f64(),
                world.steps()
            );
        }
    }
    let adapters = u64::from(nodes) * u64::from(networks);
    let sizes = world.sizes_seen();
    meter.print(
        world,
        &format!("{nodes} x {networks}: form{}", if world.formed() { "ed" } else { " FAILED" }),
        adapters,
    );
    println!("    last adoption at {:?}, group sizes {sizes:?}", world.last_adoption());
    while !world.settled() && world.now() < Duration::from_secs(30) {
        world.run_for(TICK * 10);
    }
    meter.print(world, &format!("{nodes} x {networks}: settled {}", world.settled()), adapters);
}

fn rest(world: &mut World, nodes: u32, networks: u8) {
    world.run_for(Duration::from_secs(3));
    let meter = Meter::start(world);
    world.run_for(Duration::from_secs(10));
    let adapters = u64::from(nodes) * u64::from(networks);
    meter.print(world, &format!("{nodes} x {networks}: 10 s at rest"), adapters);
}

fn crash(world: &mut World, nodes: u32, networks: u8, count: u32) {
    let names = ["neta", "netb", "netc"];
    let (mark, at) = (world.mark(), world.now());
    // Every other one; and wherever the ring begins.
    let step = (nodes / count).max(1);
    for i in 0..count {
        world.crash(&format!("n{}", 1 + (i * step) % nodes));
    }
    let meter = Meter::start(world);
    while !world.formed() && world.now() < at + Duration::from_secs(20) {
        world.run_for(TICK);
    }
    let adapters = u64::from(nodes) * u64::from(networks);
    meter.print(
        world,
        &format!("{nodes} x {networks}: {count} crashed, the rest formed: {}", world.formed()),
        adapters,
    );
    world.run_for(Duration::from_secs(2));
    let commits: Vec<String> = names
        .iter()
        .take(networks.into())
        .map(|network| format!("{network} {}", world.memberships_since(network, at)))
        .collect();
    let mut said: BTreeMap<EventKind, usize> = BTreeMap::new();
    for event in world.since(mark) {
        *said.entry(event.event.kind).or_default() += 1;
    }
    println!(
        "    last adoption {:?} after the crash; memberships: {}",
        world.last_adoption().saturating_sub(at),
        commits.join(", ")
    );
    println!("    {said:?}");
}
