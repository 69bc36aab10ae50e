//! The commands that ask once and print.

use std::path::Path;

use hats_client::{
    Client,
    ipc::{GetSnapshot, Snapshot, Verdict},
};
use hats_metrics::Part;
use serde::Serialize;

use crate::{
    cli::{Cli, Format, Text, View},
    colour,
    failure::{Exit, Failure},
    order, output,
    select::{Hidden, StateOf, names_left_out},
    show::{LEFT_OUT, graph, line, lists, lssrc, nagios, overview, params, tune, verdict},
};

/// Prints what `cli` asks for; the judgement becomes the exit status.
pub(crate) async fn run(cli: &Cli, view: &View, socket: &Path) -> Result<Exit, Failure> {
    let form = Form::of(cli.output, view)?;
    let (snapshot, hidden) = match asked(cli, view, form, socket).await {
        Ok(asked) => asked,
        Err(failure) if form == Form::Nagios => {
            // A plugin answers on its output, and knows no status above 3.
            output::write(&nagios::unknown(&failure.to_string()))?;
            return Ok(Exit::Unknown);
        }
        Err(failure) => return Err(failure),
    };
    let mut text = match form {
        Form::Text(format) => render(cli, view, format, &snapshot, &hidden)?,
        Form::Nagios => nagios::nagios(&snapshot, view),
        Form::Prom => hats_metrics::render(&snapshot, part(view)),
        Form::Svg => graph::svg(&snapshot),
        Form::Dot => graph::dot(&snapshot),
    };
    if matches!(form, Form::Text(Text::Table | Text::Wide)) && cli.color.now() {
        text = colour::paint(&text);
    }
    match output::write(&text) {
        Ok(()) | Err(Failure::OutputClosed) => Ok(Exit::of(&snapshot)),
        Err(failure) => Err(failure),
    }
}

/// The format of a view: one that it has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Form {
    Text(Text),
    Nagios,
    Prom,
    Svg,
    Dot,
}

impl Form {
    fn of(format: Option<Format>, view: &View) -> Result<Self, Failure> {
        let wrong = |text: &str| Err(Failure::Usage(text.to_owned()));
        let form = match (format, view) {
            (None | Some(Format::Svg), View::Graph) => Form::Svg,
            (Some(Format::Dot), View::Graph) => Form::Dot,
            (Some(_), View::Graph) => return wrong("a graph is drawn: expected -o svg or -o dot"),
            (Some(Format::Svg | Format::Dot), _) => {
                return wrong("only `hats-status graph` is a drawing");
            }
            (None, _) => Form::Text(Text::Table),
            (Some(Format::Nagios), _) => Form::Nagios,
            (Some(Format::Prom), _) => Form::Prom,
            (Some(format), _) => Form::Text(format.text().unwrap_or(Text::Table)),
        };
        let is_page = matches!(form, Form::Text(Text::Table | Text::Wide));
        if matches!(view, View::Lssrc) && !is_page {
            return wrong("lssrc is a page as RSCT prints it: programs use the other views");
        }
        Ok(form)
    }
}

/// What is wanted of the snapshot, and what is hidden of it.
async fn asked(
    cli: &Cli,
    view: &View,
    form: Form,
    socket: &Path,
) -> Result<(Snapshot, Hidden), Failure> {
    if let (Form::Nagios | Form::Prom, Some(state)) = (form, cli.select.state.first()) {
        // A count of what is up among what is down would be a lie.
        let text = format!("--state '{state}': -o nagios and -o prom count every state");
        return Err(Failure::Usage(text));
    }
    let mut snapshot = ask(cli, view, socket).await?;
    let hidden = cli.select.apply(&mut snapshot, state_of(view))?;
    Ok((snapshot, hidden))
}

async fn ask(cli: &Cli, view: &View, socket: &Path) -> Result<Snapshot, Failure> {
    let mut client = Client::connect(socket, "hats-status", cli.timeout).await?;
    let params = matches!(view, View::Params);
    let config = matches!(view, View::Config);
    let mut snapshot = client.snapshot_with(GetSnapshot { params, config }).await?;
    if (params && snapshot.params.is_none()) || (config && snapshot.config.is_none()) {
        let version = &client.welcome().daemon_version;
        let text = format!("hatsd {version} does not tell this: it is older than hats-status");
        return Err(Failure::NotTold(text));
    }
    order::sort(&mut snapshot);
    Ok(snapshot)
}

fn state_of(view: &View) -> StateOf {
    match view {
        View::Networks(_) => StateOf::Networks,
        View::Nodes => StateOf::Nodes,
        View::Overview | View::Adapters | View::Graph => StateOf::Adapters,
        View::Nims => StateOf::Nims,
        View::Verdicts { .. }
        | View::Subscribers
        | View::Params
        | View::Config
        | View::Tune
        | View::Lssrc => StateOf::Nothing,
    }
}

fn render(
    cli: &Cli,
    view: &View,
    format: Text,
    snapshot: &Snapshot,
    hidden: &Hidden,
) -> Result<String, Failure> {
    let wide = format == Text::Wide;
    let print = Print { format, head: overview::head(snapshot) };
    Ok(match view {
        View::Overview => match format {
            Text::Table | Text::Wide => overview::overview(snapshot, hidden, wide),
            Text::Json => pretty(snapshot),
            Text::Jsonl => hats_client::snapshot_to_json(snapshot) + "\n",
            Text::Line => line::overview(snapshot),
        },
        View::Networks(args) => {
            let all = args.all || names_left_out(&cli.select, snapshot);
            let mut networks = snapshot.networks.clone();
            networks.retain(|network| all || network.state != LEFT_OUT);
            print.list(&networks, line::network, || lists::networks(snapshot, all, wide))
        }
        View::Nodes => print.list(&snapshot.nodes, line::node, || lists::nodes(snapshot, wide)),
        View::Adapters => print.list(
            &snapshot.adapters,
            |adapter| line::adapter(snapshot, adapter),
            || lists::adapters(snapshot, wide),
        ),
        View::Verdicts { id: None } => {
            let of_all = !cli.select.narrows();
            print
                .list(&snapshot.verdicts, line::verdict, || lists::verdicts(snapshot, of_all, wide))
        }
        View::Verdicts { id: Some(id) } => {
            let found = find(snapshot, id)?;
            print.one(found, line::verdict_in_full, |found| verdict::verdict(found, wide))
        }
        View::Nims => print.list(&snapshot.nims, line::nim, || lists::nims(snapshot, wide)),
        View::Subscribers => {
            print.list(&snapshot.subscribers, line::subscriber, || lists::subscribers(snapshot))
        }
        View::Params => {
            let list = snapshot.params.as_ref().map(|it| it.list.as_slice()).unwrap_or_default();
            print.list(list, line::param, || params::params(list, wide))
        }
        View::Config => {
            let config = snapshot.config.clone().unwrap_or_default();
            print.one(&config, line::config, params::config)
        }
        View::Tune => {
            let tuning = tune::tuning(snapshot);
            print.one(&tuning, |tuning| tune::line(snapshot, tuning), tune::tune)
        }
        View::Lssrc => lssrc::page(snapshot),
        View::Graph => graph::svg(snapshot),
    })
}

fn part(view: &View) -> Part {
    match view {
        View::Overview | View::Graph | View::Lssrc => Part::Everything,
        View::Networks(_) => Part::Networks,
        View::Nodes => Part::Nodes,
        View::Adapters | View::Tune => Part::Adapters,
        View::Nims => Part::Nims,
        View::Subscribers => Part::Subscribers,
        View::Verdicts { .. } => Part::Verdicts,
        View::Params | View::Config => Part::Params,
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
struct Print {
    format: Text,
    /// Whose view this is, and of when.
    head: String,
}

impl Print {
    fn list<T: Serialize>(
        &self,
        items: &[T],
        line: impl Fn(&T) -> String,
        table: impl FnOnce() -> String,
    ) -> String {
        match self.format {
            Text::Table | Text::Wide => self.head.clone() + &table(),
            Text::Json => pretty(&items),
            Text::Jsonl => items.iter().map(|item| compact(item) + "\n").collect(),
            Text::Line => items.iter().map(line).collect(),
        }
    }

    fn one<T: Serialize>(
        &self,
        item: &T,
        line: impl FnOnce(&T) -> String,
        text: impl FnOnce(&T) -> String,
    ) -> String {
        match self.format {
            Text::Table | Text::Wide => self.head.clone() + &text(item),
            Text::Json => pretty(item),
            Text::Jsonl => compact(item) + "\n",
            Text::Line => line(item),
        }
    }
}

const PLAIN: &str = "subscriber messages are plain data with string keys";

fn pretty(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).expect(PLAIN) + "\n"
}

fn compact(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect(PLAIN)
}
