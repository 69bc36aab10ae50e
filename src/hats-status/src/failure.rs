//! Why nothing, or not everything, could be shown, and the exit status for it.

use std::{io, process::ExitCode};

use hats_client::{Error, ipc::Snapshot};

/// How the program ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Exit {
    /// The cluster is well, or events were printed.
    Ok = 0,
    /// Something redundant has failed.
    Degraded = 1,
    /// Something has failed that nothing stands in for.
    Critical = 2,
    /// There is no daemon, or it does not answer.
    Unknown = 3,
    /// The command line, or what it asks for, is wrong.
    Usage = 64,
    /// The caller may not read the socket.
    Permission = 77,
}

impl Exit {
    /// The daemon's judgement as a status.
    pub(crate) fn of(snapshot: &Snapshot) -> Self {
        match snapshot.overall.as_str() {
            "OK" => Exit::Ok,
            "DEGRADED" => Exit::Degraded,
            "CRITICAL" => Exit::Critical,
            _ => Exit::Unknown,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The daemon.
    #[error(transparent)]
    Daemon(#[from] Error),
    /// What was asked for does not exist.
    #[error("{0}")]
    Usage(String),
    /// The daemon answers, and not this: it is older than this program.
    #[error("{0}")]
    NotTold(String),
    /// The reader of the output has gone.
    #[error("the output was closed")]
    OutputClosed,
    /// The output cannot be written.
    #[error("cannot write the output: {0}")]
    Output(io::Error),
    /// The process lacks something as basic as a poll instance.
    #[error("cannot start: {0}")]
    Start(io::Error),
}

impl Failure {
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Failure::Daemon(Error::Permission { .. }) => Exit::Permission,
            Failure::Daemon(_) | Failure::NotTold(_) | Failure::Output(_) | Failure::Start(_) => {
                Exit::Unknown
            }
            Failure::Usage(_) => Exit::Usage,
            Failure::OutputClosed => Exit::Ok,
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Failure::OutputClosed
        } else {
            Failure::Output(error)
        }
    }
}
