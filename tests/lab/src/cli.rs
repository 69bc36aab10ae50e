//! The command line.

use std::{ffi::OsString, path::PathBuf, time::Duration};

use anyhow::{Result, anyhow, bail, ensure};
use clap::{Args, Parser, Subcommand, ValueEnum};
use ipnet::IpNet;

use crate::{
    control::Request,
    demo::DemoArgs,
    enter::EnterArgs,
    faults::{Fault, parse_duration},
    init::InitArgs,
    matrix::MatrixArgs,
    measure::MeasureArgs,
    plan::{Links, Plan},
    serve::ServeArgs,
};

/// A cluster of real daemons in network namespaces on this machine.
///
/// Each node is a set of namespaces with its own interfaces, in which the real
/// hatsd runs. The cables between them can be broken in many ways. Works as
/// root, and as any user where the kernel allows user namespaces. Nothing is
/// left behind when a lab ends, however it ends.
#[derive(Clone, Debug, Parser)]
#[command(version, max_term_width = 100)]
pub struct Cli {
    /// The lab's directory: sockets, logs and configuration files. Labs in
    /// different directories run side by side. [default: hats-lab in
    /// $XDG_RUNTIME_DIR, else /tmp/hats-lab-UID]
    #[arg(long, global = true, value_name = "DIR", env = "HATS_LAB_DIR")]
    pub dir: Option<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Start a lab in the background.
    Up {
        /// Its shape.
        #[command(flatten)]
        shape: Shape,
        /// Build the nodes but run nothing in them.
        #[arg(long)]
        no_daemons: bool,
    },
    /// Show nodes, processes, cables and faults, and what one daemon says.
    Status {
        /// The node whose daemon is asked.
        #[arg(long, default_value = "n1")]
        node: String,
        /// How to show it.
        #[arg(short, long, default_value = "table")]
        output: Output,
    },
    /// Run a command in a node, on this terminal.
    Exec {
        /// The node.
        node: String,
        /// The command and its arguments.
        #[arg(last = true, required = true, value_name = "CMD")]
        command: Vec<OsString>,
    },
    /// Run hats-status in a node: `hats-lab hats-status n1 adapters -o wide`.
    #[command(override_usage = "hats-lab hats-status NODE [ARGUMENT OF HATS-STATUS]...")]
    HatsStatus {
        /// The node.
        node: String,
        /// Arguments of hats-status; none: its overview.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Send datagrams between two nodes, to see what the cables do. Exits with 1
    /// when one was lost.
    Ping {
        /// One node.
        from: String,
        /// The other.
        to: String,
        /// The network or adapter.
        #[arg(default_value = "eth0")]
        network: String,
        /// How many, each way.
        #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        count: u32,
    },
    /// Break something.
    #[command(after_help = FAULT_HELP)]
    Fault(FaultArgs),
    /// Undo faults, and start daemons that do not run.
    Heal {
        /// Only this node.
        node: Option<String>,
        /// Only this adapter: its cable, not the daemon.
        adapter: Option<String>,
    },
    /// End the lab.
    Down {
        /// Keep the logs and configuration files.
        #[arg(long)]
        keep: bool,
    },
    /// Show how a cluster finds the adapter that broke, and check that it was right.
    Demo(DemoArgs),
    /// Measure how long the cluster takes, or what it costs.
    Measure(MeasureArgs),
    /// Inject every fault of the catalogue, and check each verdict.
    Matrix(MatrixArgs),
    /// Become a program inside a node.
    #[command(hide = true)]
    Enter(EnterArgs),
    /// The outer process of a lab.
    #[command(hide = true)]
    Serve(ServeArgs),
    /// The first process inside a lab.
    #[command(hide = true)]
    Init(InitArgs),
}

const FAULT_HELP: &str = "\
Faults of an adapter's cable (several can be in force at once):
  cut             nothing passes, either way; the carrier stays up
  deaf            nothing reaches the node
  mute            nothing leaves the node
  carrier         the cable is pulled: the carrier goes down
  loss=20%        each frame is lost with this chance, on its way out and on its way in
  delay=50ms      each frame takes longer, each way
  reorder=10%     some frames are overtaken by later ones
  duplicate=10%   some frames arrive twice
  no-multicast    multicast is lost, save IPv6 neighbour solicitations; the rest passes
  max-frame=600   longer frames are lost
A path (on every network, or with --network on one) can be cut or have any of the
faults with a value.";

/// What to break.
#[derive(Clone, Debug, Args)]
#[command(override_usage = "\
hats-lab fault NODE ADAPTER FAULT
       hats-lab fault path NODE NODE [FAULT] [--network NETWORK] [--one-way]
       hats-lab fault crash NODE
       hats-lab fault kill-daemon NODE
       hats-lab fault hang-daemon NODE
       hats-lab fault pause NODE
       hats-lab fault cross NETWORK NETWORK
       hats-lab fault kill-nim NODE ADAPTER
       hats-lab fault hang-nim NODE ADAPTER
       hats-lab fault link-down NODE ADAPTER
       hats-lab fault address NODE ADAPTER [NEW-ADDRESS]")]
pub struct FaultArgs {
    /// See above.
    #[arg(required = true, num_args = 1..)]
    words: Vec<String>,
    /// Break the path on this network only.
    #[arg(long)]
    network: Option<String>,
    /// Break the path from the first node to the second only.
    #[arg(long)]
    one_way: bool,
}

impl FaultArgs {
    /// What to ask the lab for.
    ///
    /// # Errors
    ///
    /// Words that are no fault, named with what was expected.
    pub fn request(&self) -> Result<Request> {
        let words: Vec<&str> = self.words.iter().map(String::as_str).collect();
        let path = words[0] == "path";
        ensure!(path || self.network.is_none(), "--network is only for fault path");
        ensure!(path || !self.one_way, "--one-way is only for fault path");
        let own = |word: &str| word.to_owned();
        Ok(match words[..] {
            ["path", from, to] => self.path(from, to, "cut")?,
            ["path", from, to, fault] => self.path(from, to, fault)?,
            ["path", ..] => bail!("fault path: expected two nodes, as in: fault path n1 n2"),
            ["crash", node] => Request::Crash { node: own(node) },
            ["kill-daemon", node] => Request::KillDaemon { node: own(node) },
            ["hang-daemon", node] => Request::HangDaemon { node: own(node) },
            ["pause", node] => Request::Pause { node: own(node) },
            [word @ ("crash" | "kill-daemon" | "hang-daemon" | "pause"), ..] => {
                bail!("fault {word}: expected one node, as in: fault {word} n1")
            }
            ["cross", one, other] => Request::Cross { one: own(one), other: own(other) },
            ["cross", ..] => {
                bail!("fault cross: expected two networks, as in: fault cross neta netb")
            }
            ["kill-nim", node, adapter] => {
                Request::KillNim { node: own(node), adapter: own(adapter) }
            }
            ["hang-nim", node, adapter] => {
                Request::HangNim { node: own(node), adapter: own(adapter) }
            }
            ["link-down", node, adapter] => {
                Request::LinkDown { node: own(node), adapter: own(adapter) }
            }
            ["address", node, adapter] => {
                Request::Address { node: own(node), adapter: own(adapter), to: None }
            }
            ["address", node, adapter, new] => {
                let to = new.parse().map_err(|_| {
                    anyhow!("fault address {new}: expected an IP address, or none to remove it")
                })?;
                Request::Address { node: own(node), adapter: own(adapter), to: Some(to) }
            }
            [word @ ("kill-nim" | "hang-nim" | "link-down" | "address"), ..] => {
                bail!("fault {word}: expected a node and an adapter, as in: fault {word} n1 eth0")
            }
            [node, adapter, fault] => {
                fault.parse::<Fault>()?;
                Request::Fault { node: own(node), adapter: own(adapter), fault: own(fault) }
            }
            _ => bail!(
                "fault {}: expected a node, an adapter and a fault, as in: fault n3 eth0 cut",
                words.join(" ")
            ),
        })
    }

    fn path(&self, from: &str, to: &str, fault: &str) -> Result<Request> {
        fault.parse::<Fault>()?;
        Ok(Request::Path {
            from: from.to_owned(),
            to: to.to_owned(),
            network: self.network.clone(),
            one_way: self.one_way,
            fault: fault.to_owned(),
        })
    }
}

/// The shape of a lab.
#[derive(Clone, Debug, Args)]
pub struct Shape {
    /// How many nodes: n1, n2, ...
    #[arg(long, default_value_t = 5)]
    pub nodes: usize,
    /// How many networks: neta on eth0, netb on eth1, ...
    #[arg(long, default_value_t = 2)]
    pub networks: usize,
    /// Detection profile: default (1 s), fast (150 ms), bfd (30 ms) or wan (8 s).
    #[arg(long, default_value = "default", value_parser = profile)]
    pub profile: String,
    /// IPv6 networks, fd77:K::/64, in place of 10.77.K.0/24.
    #[arg(long)]
    pub ipv6: bool,
    /// The subnet of the first network, then of the second, and so on; node i
    /// gets host number i.
    #[arg(long, value_name = "CIDR")]
    pub subnet: Vec<IpNet>,
    /// Tap devices with a switch in the lab, or veth pairs with kernel bridges.
    #[arg(long, default_value = "tap")]
    pub links: Links,
    /// The network that the nodes' default route leads to.
    #[arg(long, value_name = "NETWORK")]
    pub default_route: Option<String>,
    /// A host without hats, gw, with host number 254 on every network: each
    /// adapter's default gateway.
    #[arg(long, conflicts_with = "default_route")]
    pub gateway: bool,
    /// TOML to merge over the configuration of every node.
    #[arg(long, value_name = "FILE")]
    pub config_extra: Option<PathBuf>,
    /// Leave the networks out of the configuration: hatsd has to find them.
    #[arg(long)]
    pub zero_config: bool,
    /// Start of the dice for loss and the like.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

impl Shape {
    /// Checks everything and makes a plan of it.
    ///
    /// # Errors
    ///
    /// Names the option, its value and what was expected.
    pub fn plan(&self, daemons: bool) -> Result<Plan> {
        let config_extra = match &self.config_extra {
            None => String::new(),
            Some(path) => std::fs::read_to_string(path)
                .map_err(|error| anyhow::anyhow!("--config-extra {}: {error}", path.display()))?,
        };
        crate::config::parse_extra(&config_extra)?;
        let mut plan = Plan {
            nodes: self.nodes,
            networks: Plan::networks(self.nodes, self.networks, self.ipv6, &self.subnet)?,
            links: self.links,
            default_route: None,
            gateway: self.gateway,
            profile: self.profile.clone(),
            name_networks: !self.zero_config,
            daemons,
            config_extra,
            seed: self.seed,
        };
        if let Some(word) = &self.default_route {
            plan.default_route = Some(plan.find_network(word)?);
        }
        Ok(plan)
    }
}

/// How to show something.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Output {
    /// For people.
    Table,
    /// For programs.
    Json,
}

/// Checks the name of a detection profile.
///
/// # Errors
///
/// Names those there are.
pub fn profile(word: &str) -> Result<String, String> {
    match word {
        "default" | "fast" | "bfd" | "wan" => Ok(word.to_owned()),
        _ => Err("expected default, fast, bfd or wan".into()),
    }
}

/// Checks a duration.
///
/// # Errors
///
/// Says how one is written.
pub fn duration(word: &str) -> Result<Duration, String> {
    parse_duration(word)
        .ok_or_else(|| "expected a time with its unit, as 500ms, 30s, 10m or 1h".into())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn request(line: &str) -> Result<Request> {
        let words = ["hats-lab", "fault"].into_iter().chain(line.split_whitespace());
        let Command::Fault(args) = Cli::try_parse_from(words)?.command else { unreachable!() };
        args.request()
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_fault_is_read_in_every_form() {
        let node = || "n2".to_owned();
        let adapter = || "eth0".to_owned();
        assert_eq!(
            request("n2 eth0 loss=20%").unwrap(),
            Request::Fault { node: node(), adapter: adapter(), fault: "loss=20%".into() }
        );
        assert_eq!(request("crash n2").unwrap(), Request::Crash { node: node() });
        assert_eq!(request("kill-daemon n2").unwrap(), Request::KillDaemon { node: node() });
        assert_eq!(request("hang-daemon n2").unwrap(), Request::HangDaemon { node: node() });
        assert_eq!(
            request("kill-nim n2 eth0").unwrap(),
            Request::KillNim { node: node(), adapter: adapter() }
        );
        assert_eq!(
            request("path n1 n2 --one-way --network netb").unwrap(),
            Request::Path {
                from: "n1".into(),
                to: node(),
                network: Some("netb".into()),
                one_way: true,
                fault: "cut".into()
            }
        );
    }

    #[test]
    fn a_fault_that_is_none_is_named_with_what_was_expected() {
        for (line, part) in [
            ("n2 eth0", "fault n2 eth0: expected a node, an adapter and a fault"),
            ("n2 eth0 cutt", "no fault \"cutt\": expected one of cut,"),
            ("crash", "fault crash: expected one node"),
            ("path n1", "fault path: expected two nodes"),
            ("crash n1 --one-way", "--one-way is only for fault path"),
            ("path n1 n2 cutt", "no fault \"cutt\""),
        ] {
            let error = request(line).unwrap_err().to_string();
            assert!(error.contains(part), "{line}: {error}");
        }
    }

    #[test]
    fn an_unknown_profile_is_refused_with_the_ones_there_are() {
        let error = Cli::try_parse_from(["hats-lab", "up", "--profile", "slow"]).unwrap_err();
        assert!(error.to_string().contains("expected default, fast, bfd or wan"));
    }
}
