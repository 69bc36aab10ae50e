//! The processes of the scenario, and the files they leave.

use std::{
    env,
    fs::{self, File},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use hats_client::ipc::Snapshot;
use prost::Message as _;

/// Where everything of one scenario is.
pub(crate) struct Host {
    dir: PathBuf,
}

/// Which process.
#[derive(Clone)]
pub(crate) enum Kind {
    Daemon,
    Rust,
    /// With this interpreter.
    Python(PathBuf),
}

/// One process; killed when dropped.
pub(crate) struct Party {
    kind: Kind,
    dir: PathBuf,
    child: Child,
}

impl Host {
    /// With a configuration that waits for so many interfaces.
    pub(crate) fn new(interfaces: usize) -> Host {
        let dir = env::temp_dir().join(format!("hats-scenario-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let mut config = "[cluster]\nname = \"atc\"\n[node]\nname = \"n1\"\n".to_owned();
        for number in 0..interfaces {
            config += &format!(
                "[[network]]\nname = \"net{number}\"\ninterfaces = [\"here{number}\"]\n\
                 group = \"239.28.4.{number}\"\n"
            );
        }
        fs::write(dir.join("hatsd.toml"), config).unwrap();
        Host { dir }
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.dir.join("hats.sock")
    }

    pub(crate) fn start(&self, kind: Kind) -> Party {
        Party::start(kind, &self.dir)
    }

    pub(crate) fn wait_for_daemon(&self) {
        let until = Instant::now() + Duration::from_secs(20);
        while UnixStream::connect(self.socket()).is_err() {
            assert!(Instant::now() < until, "hatsd does not start");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The numbers of all events in the daemons' log.
    pub(crate) fn logged(&self) -> Vec<(u64, u64)> {
        let text = fs::read_to_string(self.dir.join("log")).unwrap();
        // The last line of a daemon that was killed may be half a line.
        let values = text.lines().filter_map(|line| {
            let value: serde_json::Value = serde_json::from_str(line).ok()?;
            Some((value["epoch"].as_u64()?, value["seq"].as_u64()?))
        });
        values.collect()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("what is left is in {}", self.dir.display());
        } else {
            // What stays is in the directory for temporary files.
            let _ = fs::remove_dir_all(&self.dir);
        }
    }
}

impl Party {
    fn start(kind: Kind, dir: &Path) -> Party {
        let log = |name| File::options().append(true).create(true).open(dir.join(name)).unwrap();
        let socket = dir.join("hats.sock");
        let mut command = match &kind {
            Kind::Daemon => {
                let mut command = Command::new(super::programs().join("hatsd"));
                command.arg("--config").arg(dir.join("hatsd.toml")).arg("--socket").arg(socket);
                command.arg("--state-dir").arg(dir.join("state")).args(["--log", "json"]);
                command.stdout(log("log"));
                command
            }
            Kind::Rust => {
                let mut command = Command::new(env::current_exe().unwrap());
                command.args(["keeper_in_rust", "--exact", "--nocapture"]).stdout(Stdio::null());
                command.env("KEEPER_SOCKET", socket).env("KEEPER_FILE", dir.join("rust"));
                command
            }
            Kind::Python(interpreter) => {
                let mut command = Command::new(interpreter);
                command.env("PYTHONPATH", python_dir().join("src"));
                command.arg(python_dir().join("tests/keeper.py"));
                command.arg(socket).arg(dir.join("python")).stdout(Stdio::null());
                command
            }
        };
        let child = command.stderr(log("errors")).spawn().unwrap();
        Party { kind, dir: dir.to_owned(), child }
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Killed, if it is not yet, and started anew.
    pub(crate) fn killed(mut self) -> Party {
        self.kill();
        Party::start(self.kind.clone(), &self.dir)
    }

    pub(crate) fn name(&self) -> &'static str {
        match self.kind {
            Kind::Daemon => "log",
            Kind::Rust => "rust",
            Kind::Python(_) => "python",
        }
    }

    /// The events that a client has written down.
    pub(crate) fn events(&self) -> Vec<(u64, u64)> {
        events(&fs::read_to_string(self.dir.join(self.name())).unwrap_or_default())
    }

    /// The gaps it was told of.
    pub(crate) fn gaps(&self) -> Vec<String> {
        let text = fs::read_to_string(self.dir.join(self.name())).unwrap_or_default();
        text.lines().filter(|line| line.starts_with("gap ")).map(str::to_owned).collect()
    }

    /// What it believes the state to be.
    pub(crate) fn view(&self) -> Option<Snapshot> {
        let bytes = fs::read(self.dir.join(self.name()).with_extension("view")).ok()?;
        Snapshot::decode(bytes.as_slice()).ok()
    }
}

impl Drop for Party {
    fn drop(&mut self) {
        // It may have been killed before.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The events in a client's file.
pub(crate) fn events(text: &str) -> Vec<(u64, u64)> {
    let numbers = |line: &str| {
        let (epoch, seq) = line.strip_prefix("event ")?.split_once(' ')?;
        Some((epoch.parse().ok()?, seq.parse().ok()?))
    };
    text.lines().filter_map(numbers).collect()
}

fn python_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/python")
}

/// An interpreter that has what the Python client needs.
pub(crate) fn python() -> Option<PathBuf> {
    let named = env::var_os("HATS_PYTHON").map(PathBuf::from);
    let python = named.unwrap_or_else(|| "python3".into());
    let mut command = Command::new(&python);
    command.env("PYTHONPATH", python_dir().join("src")).args(["-c", "import hats_client"]);
    let works = command.stderr(Stdio::null()).status().is_ok_and(|status| status.success());
    works.then_some(python)
}
