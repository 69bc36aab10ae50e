//! `hats-lab`: a cluster of the real binaries in network namespaces on this
//! machine, whose cables can be broken.
//!
//! A lab is one tree of processes. `serve` is outside; `init` is the first
//! process of the lab's own process namespace and holds everything: the nodes'
//! namespaces, their daemons, and the switch that their tap devices are plugged
//! into. The commands talk to it over a socket. Nothing has a name outside, so
//! when the tree ends, by whatever cause, everything is gone.

#![forbid(unsafe_code)]

pub mod binaries;
pub mod cables;
pub mod cli;
pub mod cluster;
pub mod config;
pub mod control;
pub mod demo;
pub mod enter;
pub mod events;
pub mod faults;
pub mod files;
pub mod init;
pub mod interface;
mod matrix;
pub mod measure;
pub mod model;
pub mod netlink;
pub mod netns;
mod out;
pub mod ping;
pub mod plan;
pub mod privilege;
pub mod process;
pub mod quiet;
pub mod serve;
pub mod session;
pub mod show;
pub mod stats;
pub mod switch;
pub mod trial;
pub mod wiring;

use std::{ffi::OsString, path::Path, process::ExitCode};

use anyhow::{Context, Result};
use clap::Parser;

use crate::{
    binaries::Binaries,
    cli::{Cli, Command, Output, Shape},
    control::{Done, Lab, Request},
    out::say,
    ping::PingReply,
    plan::Plan,
};

/// Does what the command line says.
pub fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(code) => ExitCode::from(u8::try_from(code).unwrap_or(1)),
        Err(error) => {
            eprintln!("hats-lab: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<i32> {
    let dir = cli.dir.clone().unwrap_or_else(files::default_dir);
    let lab = Lab::at(&dir);
    match cli.command {
        Command::Up { shape, no_daemons } => up(&dir, &shape, !no_daemons).map(|()| 0),
        Command::Status { node, output } => status(&lab, &node, output).map(|()| 0),
        Command::Exec { node, command } => enter::run_in_node(&lab, &node, &command),
        Command::HatsStatus { node, arguments } => {
            let program = Binaries::find()?.hats_status.into_os_string();
            let command: Vec<OsString> = std::iter::once(program).chain(arguments).collect();
            enter::run_in_node(&lab, &node, &command)
        }
        Command::Ping { from, to, network, count } => ping(&lab, from, to, network, count),
        Command::Fault(args) => tell(&lab, &args.request()?).map(|()| 0),
        Command::Heal { node, adapter } => tell(&lab, &Request::Heal { node, adapter }).map(|()| 0),
        Command::Down { keep } => lab.down(keep).map(|()| 0),
        Command::Demo(args) => demo::run(cli.dir.as_deref(), &args),
        Command::Matrix(args) => matrix::run(cli.dir.as_deref(), &args),
        Command::Measure(args) => measure::run(cli.dir.as_deref(), &args),
        Command::Enter(args) => enter::enter(&args).map(|()| 0),
        Command::Serve(args) => serve::serve(&args).map(|()| 0),
        Command::Init(args) => init::run(&args),
    }
}

fn up(dir: &Path, shape: &Shape, daemons: bool) -> Result<()> {
    let plan = shape.plan(daemons)?;
    if daemons {
        // Asked here as well, so that the answer comes before anything is built.
        Binaries::find()?;
    }
    let lab = serve::launch(dir, &plan, true)?;
    let own = if dir == files::default_dir() {
        String::new()
    } else {
        format!("--dir {} ", dir.display())
    };
    let last = Plan::node_name(plan.nodes - 1);
    let next = [
        ("status".to_owned(), "nodes, cables, faults, and what n1 says"),
        ("exec n1 -- hats-status".to_owned(), "any command in a node"),
        (format!("fault {last} eth0 cut"), "break something (hats-lab fault --help)"),
        ("heal".to_owned(), "repair everything"),
        ("down".to_owned(), "end the lab"),
    ];
    let rows: Vec<_> = next
        .map(|(words, what)| vec![format!("  hats-lab {own}{words}"), what.to_owned()])
        .to_vec();
    say!("{} nodes on {} networks are up. Next:", plan.nodes, plan.networks.len());
    say!("{}", out::columns(&rows).trim_end());
    say!("Files and logs: {}", lab.dir().display());
    Ok(())
}

fn status(lab: &Lab, node: &str, output: Output) -> Result<()> {
    let status = lab.status()?;
    let index = status.plan.find_node(node)?;
    match output {
        Output::Json => {
            say!("{}", serde_json::to_string_pretty(&status).context("write the status")?);
        }
        Output::Table => {
            say!("{}", show::status(&status));
            if status.nodes[index].hatsd.is_some() {
                say!("hats-status of {node}:");
                let program = Binaries::find()?.hats_status.into_os_string();
                enter::run_in_node(lab, node, &[program])?;
            }
        }
    }
    Ok(())
}

fn tell(lab: &Lab, request: &Request) -> Result<()> {
    let _: Done = lab.ask(request)?;
    Ok(())
}

fn ping(lab: &Lab, from: String, to: String, network: String, count: u32) -> Result<i32> {
    let names = (from.clone(), to.clone());
    let request = Request::Ping { from, to, network, count };
    let PingReply { sent, there, back: returned, fastest_us } = lab.ask(&request)?;
    let (from, to) = names;
    let fastest = fastest_us.map_or(String::new(), |us| format!("; fastest {us} us"));
    let back = format!("{to} to {from}: {returned} of {sent} arrived");
    say!("{from} to {to}: {there} of {sent} arrived; {back}{fastest}");
    Ok(i32::from(there < sent || returned < sent))
}
