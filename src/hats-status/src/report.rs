//! The commands that ask once and print.

use std::path::Path;

use hats_client::{
    Client,
    ipc::{Snapshot, Verdict},
};
use serde::Serialize;

use crate::{
    cli::{Cli, Command, Format},
    failure::{Exit, Failure},
    order, output,
    show::{LEFT_OUT, line, lists, nagios, overview, verdict},
};

/// Prints what `cli` asks for; the daemon's judgement becomes the exit status.
pub(crate) async fn run(cli: &Cli, socket: &Path) -> Result<Exit, Failure> {
    let snapshot = match ask(cli, socket).await {
        Ok(snapshot) => snapshot,
        Err(failure) if cli.output == Format::Nagios => {
            // A plugin answers on its output, and knows no status above 3.
            output::write(&nagios::unknown(&failure.to_string()))?;
            return Ok(Exit::Unknown);
        }
        Err(failure) => return Err(failure),
    };
    let text = render(cli, &snapshot)?;
    match output::write(&text) {
        Ok(()) | Err(Failure::OutputClosed) => Ok(Exit::of(&snapshot)),
        Err(failure) => Err(failure),
    }
}

async fn ask(cli: &Cli, socket: &Path) -> Result<Snapshot, Failure> {
    let mut client = Client::connect(socket, "hats-status", cli.timeout).await?;
    let mut snapshot = client.snapshot().await?;
    order::sort(&mut snapshot);
    Ok(snapshot)
}

fn render(cli: &Cli, snapshot: &Snapshot) -> Result<String, Failure> {
    let wide = cli.output == Format::Wide;
    let networks = |all: bool| {
        let mut networks = snapshot.networks.clone();
        networks.retain(|network| all || network.state != LEFT_OUT);
        networks
    };
    let form = Form { format: cli.output };
    match &cli.command {
        None | Some(Command::Overview) => match cli.output {
            Format::Table | Format::Wide => Ok(overview::overview(snapshot, wide)),
            Format::Json => Ok(pretty(snapshot)),
            Format::Jsonl => Ok(hats_client::snapshot_to_json(snapshot) + "\n"),
            Format::Line => Ok(line::overview(snapshot)),
            Format::Nagios => Ok(nagios::nagios(snapshot)),
        },
        Some(Command::Networks(args)) => form
            .list(&networks(args.all), line::network, || lists::networks(snapshot, args.all, wide)),
        Some(Command::Nodes) => {
            form.list(&snapshot.nodes, line::node, || lists::nodes(snapshot, wide))
        }
        Some(Command::Adapters) => form.list(
            &snapshot.adapters,
            |adapter| line::adapter(snapshot, adapter),
            || lists::adapters(snapshot, wide),
        ),
        Some(Command::Verdicts { id: None }) => {
            form.list(&snapshot.verdicts, line::verdict, || lists::verdicts(snapshot, wide))
        }
        Some(Command::Verdicts { id: Some(id) }) => {
            let found = find(snapshot, id)?;
            form.one(found, line::verdict_in_full, |found| verdict::verdict(found, wide))
        }
        Some(Command::Nims) => form.list(&snapshot.nims, line::nim, || lists::nims(snapshot, wide)),
        Some(Command::Subscribers) => {
            form.list(&snapshot.subscribers, line::subscriber, || lists::subscribers(snapshot))
        }
        Some(Command::Events(_)) => unreachable!("events are not asked for but followed"),
    }
}

fn find<'a>(snapshot: &'a Snapshot, id: &str) -> Result<&'a Verdict, Failure> {
    let found = snapshot.verdicts.iter().rev().find(|verdict| verdict.id == id);
    found.ok_or_else(|| {
        let newest: Vec<&str> =
            snapshot.verdicts.iter().rev().take(5).map(|verdict| verdict.id.as_str()).collect();
        let known = match newest.as_slice() {
            [] => "it has none".to_owned(),
            newest => format!("the newest it has: {}", newest.join(", ")),
        };
        Failure::Usage(format!("the daemon has no verdict '{id}': {known}"))
    })
}

/// Prints things of one kind in the format asked for.
struct Form {
    format: Format,
}

impl Form {
    fn list<T: Serialize>(
        &self,
        items: &[T],
        line: impl Fn(&T) -> String,
        table: impl FnOnce() -> String,
    ) -> Result<String, Failure> {
        match self.format {
            Format::Table | Format::Wide => Ok(table()),
            Format::Json => Ok(pretty(&items)),
            Format::Jsonl => Ok(items.iter().map(|item| compact(item) + "\n").collect()),
            Format::Line => Ok(items.iter().map(line).collect()),
            Format::Nagios => Err(only_overview()),
        }
    }

    fn one<T: Serialize>(
        &self,
        item: &T,
        line: impl FnOnce(&T) -> String,
        text: impl FnOnce(&T) -> String,
    ) -> Result<String, Failure> {
        match self.format {
            Format::Table | Format::Wide => Ok(text(item)),
            Format::Json => Ok(pretty(item)),
            Format::Jsonl => Ok(compact(item) + "\n"),
            Format::Line => Ok(line(item)),
            Format::Nagios => Err(only_overview()),
        }
    }
}

/// What is said when another command is asked for a plugin's answer.
pub(crate) fn only_overview() -> Failure {
    Failure::Usage("-o nagios answers for the overview only".into())
}

const PLAIN: &str = "subscriber messages are plain data with string keys";

fn pretty(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).expect(PLAIN) + "\n"
}

fn compact(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect(PLAIN)
}
