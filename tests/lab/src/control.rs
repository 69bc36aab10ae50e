//! What the commands and the lab process say to each other: one line of JSON
//! each way, on a Unix socket in the lab's directory.

use std::{
    io::{BufRead, BufReader, ErrorKind, Read, Write},
    net::IpAddr,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, anyhow, bail};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{files, plan::Plan, process::Process};

/// Longest line taken.
const LINE_MAX: u64 = 16 << 20;

/// A command to the lab process.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum Request {
    /// Answered with [`Status`].
    Status,
    /// Break an adapter's cable. This and those below up to `Heal` are
    /// answered with [`Done`].
    Fault {
        /// The node.
        node: String,
        /// Its adapter, by interface or network.
        adapter: String,
        /// As written on the command line.
        fault: String,
    },
    /// Break what goes between two nodes.
    Path {
        /// One node.
        from: String,
        /// The other.
        to: String,
        /// Only there.
        network: Option<String>,
        /// Only in that direction.
        one_way: bool,
        /// As written on the command line.
        fault: String,
    },
    /// End a node as a power failure would.
    Crash {
        /// The node.
        node: String,
    },
    /// SIGKILL to hatsd.
    KillDaemon {
        /// The node.
        node: String,
    },
    /// SIGSTOP to hatsd.
    HangDaemon {
        /// The node.
        node: String,
    },
    /// SIGSTOP to everything in a node, its cables cut: as a host that is suspended.
    Pause {
        /// The node.
        node: String,
    },
    /// Set an interface down, as an operator does.
    LinkDown {
        /// The node.
        node: String,
        /// Its adapter.
        adapter: String,
    },
    /// Take an adapter's address away.
    Address {
        /// The node.
        node: String,
        /// Its adapter.
        adapter: String,
        /// Put this one in its place.
        to: Option<IpAddr>,
    },
    /// Join the switches of two networks, as a cable between them does.
    Cross {
        /// One network.
        one: String,
        /// The other.
        other: String,
    },
    /// SIGSTOP to one NIM.
    HangNim {
        /// The node.
        node: String,
        /// Its adapter.
        adapter: String,
    },
    /// SIGKILL to one NIM.
    KillNim {
        /// The node.
        node: String,
        /// Its adapter.
        adapter: String,
    },
    /// Undo faults, start what does not run.
    Heal {
        /// Only there.
        node: Option<String>,
        /// Only its cable.
        adapter: Option<String>,
    },
    /// Answered with [`EnterReply`].
    Enter {
        /// The node.
        node: String,
    },
    /// Try the cables between two nodes; answered with [`crate::ping::PingReply`].
    Ping {
        /// One node.
        from: String,
        /// The other.
        to: String,
        /// By interface or network.
        network: String,
        /// Datagrams each way.
        count: u32,
    },
    /// End the lab; keep its files if asked to.
    Down {
        /// Leave logs and configuration where they are.
        keep: bool,
    },
}

/// The answer: a value, or why not.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reply {
    /// It was done; the value depends on the request.
    Ok(serde_json::Value),
    /// It was not done.
    Error(String),
}

/// When something was done.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Done {
    /// CLOCK_MONOTONIC just before it was done.
    pub mono_ns: u64,
}

/// Where a node's namespaces can be opened, in the host's /proc.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct EnterReply {
    /// The lab's process number.
    pub lab: String,
    /// The network namespace.
    pub net: String,
    /// The mount namespace.
    pub mnt: String,
    /// The host name namespace.
    pub uts: String,
    /// The socket of hatsd.
    pub socket: PathBuf,
}

/// Everything there is to show of a lab.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Status {
    /// What was built.
    pub plan: Plan,
    /// Its nodes, in order.
    pub nodes: Vec<NodeStatus>,
    /// What works less well than it should.
    pub warnings: Vec<String>,
    /// Processor time of the lab process itself, which is the switch.
    pub lab_cpu_ms: u64,
}

/// One node.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NodeStatus {
    /// n1, n2, ...
    pub node: String,
    /// The daemon's process number inside the lab, if it runs.
    pub hatsd: Option<i32>,
    /// CLOCK_MONOTONIC when the daemon was last started.
    pub started_ns: u64,
    /// How the daemon ended, if it did.
    pub ended: Option<String>,
    /// Its socket.
    pub socket: PathBuf,
    /// Its log.
    pub log: PathBuf,
    /// Every process in the node.
    pub processes: Vec<Process>,
    /// Its cables.
    pub ports: Vec<PortStatus>,
}

/// One end of a cable.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PortStatus {
    /// eth0, ...
    pub adapter: String,
    /// neta, ...
    pub network: String,
    /// The adapter's address.
    pub addr: IpAddr,
    /// The faults in force.
    pub faults: Vec<String>,
    /// Frames the node sent; absent with kernel bridges, as the two below.
    pub sent: Option<u64>,
    /// Frames handed to the node.
    pub received: Option<u64>,
    /// Frames swallowed by faults.
    pub lost: Option<u64>,
}

/// A lab that runs, as the commands see it.
#[derive(Clone, Debug)]
pub struct Lab {
    dir: PathBuf,
}

impl Lab {
    /// The lab in a directory, running or not.
    pub fn at(dir: &Path) -> Lab {
        Lab { dir: dir.to_owned() }
    }

    /// Its directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Whether a lab process answers there.
    pub fn runs(&self) -> bool {
        UnixStream::connect(files::control_socket(&self.dir)).is_ok()
    }

    /// Ends the lab and waits until nothing of it is left.
    ///
    /// # Errors
    ///
    /// As [`Lab::ask`].
    pub fn down(&self, keep: bool) -> Result<()> {
        let _: Done = self.ask(&Request::Down { keep })?;
        // The outer process removes the lock last.
        while files::lock_file(&self.dir).exists() {
            thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    /// Asks the lab process for something.
    ///
    /// # Errors
    ///
    /// No lab runs there, or it says why it can't.
    pub fn ask<T: DeserializeOwned>(&self, request: &Request) -> Result<T> {
        let path = files::control_socket(&self.dir);
        let stream = UnixStream::connect(&path).map_err(|error| {
            let dir = self.dir.display();
            if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) {
                anyhow!("no lab runs in {dir}: hats-lab up starts one")
            } else {
                anyhow!("connect to the lab in {dir}: {error}")
            }
        })?;
        write_line(&stream, request)?;
        match read_line(&mut BufReader::new(&stream))?.context("the lab ended")? {
            Reply::Ok(value) => serde_json::from_value(value).context("read the lab's answer"),
            Reply::Error(error) => bail!(error),
        }
    }

    /// Everything there is to show.
    ///
    /// # Errors
    ///
    /// As [`Lab::ask`].
    pub fn status(&self) -> Result<Status> {
        self.ask(&Request::Status)
    }
}

/// Writes one message.
///
/// # Errors
///
/// What the socket said.
pub fn write_line(mut stream: &UnixStream, message: &impl Serialize) -> Result<()> {
    let mut line = serde_json::to_vec(message).context("write a message")?;
    line.push(b'\n');
    stream.write_all(&line).context("send to the other side")
}

/// Reads one message; `None` at the end.
///
/// # Errors
///
/// What the socket said, or that the line is no such message.
pub fn read_line<T: DeserializeOwned>(reader: &mut impl BufRead) -> Result<Option<T>> {
    let mut line = String::new();
    let length =
        Read::by_ref(reader).take(LINE_MAX).read_line(&mut line).context("read a message")?;
    if length == 0 {
        return Ok(None);
    }
    serde_json::from_str(&line)
        .map(Some)
        .with_context(|| format!("not understood: {}", line.trim()))
}
