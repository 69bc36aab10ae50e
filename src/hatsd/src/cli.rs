//! The command line.

use std::path::PathBuf;

use clap::Parser;

use crate::log::Format;

/// The hats daemon: watches this node's network adapters together with the
/// other nodes of its cluster, and tells which one failed, and how.
#[derive(Debug, Parser)]
#[command(name = "hatsd", version, max_term_width = 100)]
pub(crate) struct Cli {
    /// Configuration file [default: /etc/hats/hatsd.toml if there is one].
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// Where subscribers connect.
    #[arg(long, value_name = "PATH", env = "HATS_SOCKET", default_value = "/run/hats/hats.sock")]
    pub(crate) socket: PathBuf,

    /// Where the node's identity and its events are kept [default: /var/lib/hats].
    #[arg(long, value_name = "DIR")]
    pub(crate) state_dir: Option<PathBuf>,

    /// How events are logged on standard output, or to the journal [default:
    /// text on a terminal, else json].
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(crate) log: Option<Format>,

    /// Check the configuration, print the values in force, and exit: 0 when it
    /// is good, 78 when it is not.
    #[arg(long)]
    pub(crate) check_config: bool,
}
