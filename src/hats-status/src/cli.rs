//! The command line.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use jiff::Timestamp;

use crate::{colour::When, select::Selection, words};

/// Shows what this node's hatsd knows about the cluster.
#[derive(Parser, Debug)]
#[command(name = "hats-status", version, after_help = AFTER_HELP)]
pub(crate) struct Cli {
    /// What to show; the overview if nothing is given.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    /// How to print it [default: table; graph: svg].
    #[arg(short, long, value_name = "FORMAT", value_enum, global = true)]
    pub(crate) output: Option<Format>,

    /// Only what is selected.
    #[command(flatten)]
    pub(crate) select: Selection,

    /// Whether tables are coloured. NO_COLOR in the environment means never.
    #[arg(long, value_name = "WHEN", value_enum, global = true, default_value = "auto")]
    pub(crate) color: When,

    /// The daemon's socket [default: $HATS_SOCKET, else /run/hats/hats.sock].
    #[arg(long, value_name = "PATH", global = true)]
    pub(crate) socket: Option<PathBuf>,

    /// How long the daemon may take for an answer, with its unit.
    #[arg(
        long, value_name = "TIME", global = true,
        default_value = "2s", value_parser = words::parse_span
    )]
    pub(crate) timeout: Duration,
}

const AFTER_HELP: &str = "\
Exit status: 0 OK, 1 DEGRADED, 2 CRITICAL, 3 UNKNOWN (no daemon, or it does not
answer), 64 usage, 77 no permission. `events` exits with 0 when it was able to
print what was asked for.";

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// What is asked for once and printed.
    #[command(flatten)]
    View(View),
    /// Events as they happen, and those that the daemon still has.
    Events(Events),
    /// The cluster on the whole screen, as it changes.
    #[cfg(feature = "live")]
    Watch(Watch),
    /// What an event means and what to do, by its code or name; without, all of
    /// them, a line each.
    Explain {
        /// HATS-2103, 2103 or adapter.down.
        event: Option<String>,
    },
    /// Prints the completions for a shell.
    Completions {
        /// Which shell.
        shell: Shell,
    },
}

#[derive(Subcommand, Debug)]
pub(crate) enum View {
    /// The cluster, its networks and nodes, and each fault in words.
    Overview,
    /// Networks, their leaders and successors.
    Networks(Networks),
    /// Nodes.
    Nodes,
    /// Adapters of all nodes.
    Adapters,
    /// What has been concluded; with an ID, who probed whom and what came back.
    Verdicts {
        /// The verdict to show in full.
        id: Option<String>,
    },
    /// The processes that own this node's adapters.
    Nims,
    /// Who listens to this node's daemon.
    Subscribers,
    /// The parameters in force, their ranges, and where each comes from.
    Params,
    /// The configuration in force, nothing left out.
    Config,
    /// What the detection time could be, by the heartbeats seen here; changes
    /// nothing.
    Tune,
    /// The topology as a drawing (-o svg, -o dot).
    Graph,
    /// The page that RSCT's `lssrc -ls cthats` prints, with our numbers.
    Lssrc,
}

/// `hats-status watch`.
#[cfg(feature = "live")]
#[derive(Args, Debug)]
pub(crate) struct Watch {
    /// How often ages and gaps are asked for; what changes is told at once.
    #[arg(long, value_name = "TIME", default_value = "250ms", value_parser = words::parse_span)]
    pub(crate) every: Duration,
}

#[derive(Args, Debug)]
pub(crate) struct Networks {
    /// Also those that were found but are not used, and why.
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Events {
    /// Print each event the moment it happens, until interrupted.
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// Only events since then: an age ("2h", "15m") or a time
    /// ("2026-11-22T12:00:00Z").
    #[arg(long, value_name = "T", value_parser = parse_since)]
    pub(crate) since: Option<Timestamp>,
    /// Only events with this code ("HATS-2103" or "2103"); may be repeated.
    #[arg(long, value_name = "C", value_delimiter = ',', value_parser = parse_code)]
    pub(crate) code: Vec<String>,
    /// Print the state before the first event, and after each gap.
    #[arg(long, requires = "follow")]
    pub(crate) snapshot: bool,
    /// When the daemon goes away, wait for it instead of ending.
    #[arg(long, requires = "follow")]
    pub(crate) reconnect: bool,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Format {
    /// For people, 80 columns.
    Table,
    /// For people, every column.
    Wide,
    /// One JSON document (events: one object a line).
    Json,
    /// One JSON object a line.
    Jsonl,
    /// key:name|attribute=value, one thing a line.
    Line,
    /// A Nagios plugin's answer.
    Nagios,
    /// Prometheus text, as for node_exporter's textfile collector.
    Prom,
    /// A drawing (graph only).
    Svg,
    /// Graphviz (graph only).
    Dot,
}

/// What is printed as text, one thing after the other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Text {
    Table,
    Wide,
    Json,
    Jsonl,
    Line,
}

impl Format {
    /// As text; none for a plugin's answer, metrics and drawings.
    pub(crate) fn text(self) -> Option<Text> {
        match self {
            Format::Table => Some(Text::Table),
            Format::Wide => Some(Text::Wide),
            Format::Json => Some(Text::Json),
            Format::Jsonl => Some(Text::Jsonl),
            Format::Line => Some(Text::Line),
            Format::Nagios | Format::Prom | Format::Svg | Format::Dot => None,
        }
    }
}

fn parse_since(text: &str) -> Result<Timestamp, String> {
    if let Ok(time) = text.parse() {
        return Ok(time);
    }
    let age = words::parse_span(text)
        .map_err(|_| "expected an age such as 2h or a time such as 2026-11-22T12:00:00Z")?;
    Timestamp::now().checked_sub(age).map_err(|error| error.to_string())
}

fn parse_code(text: &str) -> Result<String, String> {
    let digits = text.strip_prefix("HATS-").unwrap_or(text);
    if digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        Ok(format!("HATS-{digits}"))
    } else {
        Err("expected an event code such as HATS-2103".into())
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn codes_are_taken_with_and_without_prefix() {
        assert_eq!(parse_code("2103").unwrap(), "HATS-2103");
        assert_eq!(parse_code("HATS-2103").unwrap(), "HATS-2103");
        for wrong in ["", "210", "21033", "HATS-21x3", "hats2103", "adapter.down"] {
            assert!(parse_code(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn since_is_an_age_or_a_time() {
        assert_eq!(
            parse_since("2026-11-22T13:00:00+01:00").unwrap(),
            "2026-11-22T12:00:00Z".parse().unwrap()
        );
        let hour_ago = parse_since("1h").unwrap();
        assert!(hour_ago < Timestamp::now());
        for wrong in ["", "yesterday", "2", "2026-11-22"] {
            assert!(parse_since(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn socket_and_format_may_follow_the_subcommand() {
        let cli =
            Cli::try_parse_from(["hats-status", "nodes", "--socket", "/s", "-o", "line"]).unwrap();
        assert_eq!((cli.socket, cli.output), (Some("/s".into()), Some(Format::Line)));
    }
}
