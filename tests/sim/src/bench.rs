//! How fast the simulator is: clusters that are well and that nothing befalls.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "they are there to be read")]

use std::{
    fmt,
    process::ExitCode,
    time::{Duration, Instant},
};

use clap::Args;
use hats_core::config::Profile;

use crate::{check::NOTHING_HEALTHY_IS_BLAMED, world::World};

/// At most so much simulated time until a cluster has formed.
const FORMING_MAX: Duration = Duration::from_secs(120);

/// Time between two lines about a cluster that is still forming.
const PROGRESS_EVERY: Duration = Duration::from_secs(5);

/// CPU time of this thread: others on the machine do not count. On a system
/// that does not tell it, the time since the first call.
fn cpu_time(began: Instant) -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let ns = told.and_then(|text| text.split_whitespace().next()?.parse().ok());
    ns.map_or_else(|| began.elapsed(), Duration::from_nanos)
}

/// What one cluster cost.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Figure {
    /// How many nodes.
    pub nodes: u32,
    /// How many networks each is on.
    pub networks: u8,
    /// Simulated time until all were in one group on each network.
    pub formed_in: Duration,
    /// How many sizes of its group the adapter had meanwhile that had most.
    pub sizes: usize,
    /// CPU time until all were in one group.
    pub forming_took: Duration,
    /// Simulated time of the steady state.
    pub simulated: Duration,
    /// CPU time for that.
    pub took: Duration,
    /// What happened meanwhile.
    pub events: u64,
}

impl Figure {
    /// What happened for each second on one core.
    pub fn events_per_second(&self) -> f64 {
        self.events as f64 / self.took.as_secs_f64()
    }

    /// Simulated seconds for each second on one core.
    pub fn real_time(&self) -> f64 {
        self.simulated.as_secs_f64() / self.took.as_secs_f64()
    }

    /// What happens on each adapter for each second of simulated time.
    pub fn events_per_adapter(&self) -> f64 {
        let adapters = f64::from(self.nodes) * f64::from(self.networks);
        self.events as f64 / adapters / self.simulated.as_secs_f64()
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:>5} nodes x {}: formed in {:>6.2} simulated s by {} sizes ({:>6.2} s); \
             then {:>8.0} events/s, {:>7.2}x real time, {:>5.1} events/adapter/s",
            self.nodes,
            self.networks,
            self.formed_in.as_secs_f64(),
            self.sizes,
            self.forming_took.as_secs_f64(),
            self.events_per_second(),
            self.real_time(),
            self.events_per_adapter(),
        )
    }
}

/// Forms a cluster and watches its steady state for about `budget` of CPU
/// time; an error says why it did not form.
pub fn steady(
    nodes: u32,
    networks: u8,
    profile: Profile,
    budget: Duration,
) -> Result<Figure, String> {
    let began = Instant::now();
    let begin = cpu_time(began);
    let mut world = World::lan(nodes, networks).seed(1).profile(profile).build();
    // Everybody says of everybody that it is up: that fills the memory of a
    // large cluster, and to hold it against the truth takes longer than the
    // cluster itself. A campaign does.
    world.without(NOTHING_HEALTHY_IS_BLAMED);
    world.keeps = Some(Box::new(|_| false));
    let mut told = Instant::now();
    let formed = |world: &World| {
        if told.elapsed() >= PROGRESS_EVERY {
            told = Instant::now();
            let (now, steps) = (world.now().as_secs_f64(), world.steps());
            eprintln!("{nodes} nodes are forming: {now:.2} simulated s, {steps} events");
        }
        world.formed()
    };
    let formed_in = world.run_until(formed, FORMING_MAX)?;
    let forming_took = cpu_time(began) - begin;
    // Past the time in which a group counts as unstable.
    let interval = profile.detection().heartbeat_interval;
    world.run_for(interval * 12);
    let (begin, from, steps) = (cpu_time(began), world.now(), world.steps());
    while cpu_time(began) - begin < budget {
        world.run_for(interval);
    }
    Ok(Figure {
        nodes,
        networks,
        formed_in,
        sizes: world.sizes_seen().len(),
        forming_took,
        simulated: world.now() - from,
        took: cpu_time(began) - begin,
        events: world.steps() - steps,
    })
}

/// What is to be measured.
#[derive(Args, Debug)]
pub struct Arguments {
    /// Clusters of how many nodes.
    #[arg(long, value_delimiter = ',', default_values_t = [10, 100, 1_000, 2_000])]
    nodes: Vec<u32>,
    /// On how many networks.
    #[arg(long, default_value_t = 2)]
    networks: u8,
    /// Seconds of CPU time for each steady state.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
}

/// Measures clusters of each size and prints what they cost.
pub fn bench(arguments: &Arguments) -> ExitCode {
    for &nodes in &arguments.nodes {
        let budget = Duration::from_secs(arguments.seconds);
        match steady(nodes, arguments.networks, Profile::Default, budget) {
            Ok(figure) => println!("{figure}"),
            Err(why) => {
                println!("{nodes} nodes: {}", why.lines().next().unwrap_or_default());
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}
