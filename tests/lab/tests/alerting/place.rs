//! Labs, programs and their files, ended and removed with the test.

use std::{
    env, fs,
    fs::File,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

/// How long anything may take that has to happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

const LAB: &str = env!("CARGO_BIN_EXE_hats-lab");

/// The Debian package of a program.
const PACKAGES: [(&str, &str); 9] = [
    ("prometheus", "prometheus"),
    ("promtool", "prometheus"),
    ("prometheus-alertmanager", "prometheus-alertmanager"),
    ("amtool", "prometheus-alertmanager"),
    ("mtail", "mtail"),
    ("rsyslogd", "rsyslog"),
    ("unshare", "util-linux"),
    ("journalctl", "systemd"),
    ("/usr/lib/systemd/systemd-journald", "systemd"),
];

/// Whether one of the programs is not there; says which, and where it is had.
pub(crate) fn missing(programs: &[&str]) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    let there = |name: &str| env::split_paths(&path).any(|dir| dir.join(name).is_file());
    let gone: Vec<&&str> = programs.iter().filter(|name| !there(name)).collect();
    for name in &gone {
        let package = PACKAGES.iter().find(|(program, _)| program == *name);
        let package = package.map_or(**name, |(_, package)| package);
        println!("skipped: {name} is missing (Debian's package {package})");
    }
    !gone.is_empty()
}

/// One of our programs, which are built beside the lab; none, with the reason
/// printed, where it was not.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let path = Path::new(LAB).with_file_name(name);
    if path.is_file() {
        return Some(path);
    }
    println!("skipped: {} is missing (cargo build)", path.display());
    None
}

/// A file of deploy/alerting.
pub(crate) fn deploy(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/alerting").join(name)
}

/// A port that was free just now.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The body of a page, or nothing.
pub(crate) fn get(port: u16, path: &str) -> String {
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        write!(stream, "GET {path} HTTP/1.0\r\n\r\n")?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        Ok(text)
    };
    ask().unwrap_or_default()
}

pub(crate) fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < PATIENCE, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// A directory of its own.
pub(crate) struct Place(PathBuf);

impl Place {
    pub(crate) fn new(name: &str) -> Self {
        let path = env::temp_dir().join(format!("hats-alerting-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Place(path)
    }

    /// The path of a file in it.
    pub(crate) fn text(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().trim_end_matches('/').to_owned()
    }

    /// A shipped file with places and ports of this test; each must be in it.
    pub(crate) fn copy(&self, name: &str, changes: &[(&str, String)]) -> PathBuf {
        let mut text = fs::read_to_string(deploy(name)).unwrap();
        for (from, to) in changes {
            assert!(text.contains(from), "{name} has no {from}");
            text = text.replace(from, to);
        }
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// The configuration of rsyslog for logs at `pattern`.
    pub(crate) fn rsyslog(&self, pattern: &str) -> PathBuf {
        let here = self.text("");
        let work = format!("global(workDirectory=\"{here}\")\nmodule(load=\"imfile\")");
        self.copy(
            "rsyslog.conf",
            &[
                ("/var/log/hats/hatsd*.log", pattern.to_owned()),
                ("/var/log/hats", here),
                ("module(load=\"imfile\")", work),
            ],
        )
    }

    /// Starts a program that writes what it says to NAME.log.
    pub(crate) fn start(&self, name: &str, command: &mut Command) -> Running {
        let said = File::create(self.0.join(format!("{name}.log"))).unwrap();
        let errors = said.try_clone().unwrap();
        command.current_dir(&self.0).stdin(Stdio::null()).stdout(said).stderr(errors);
        Running(command.spawn().unwrap())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if thread::panicking() {
            println!("logs are in {}", self.0.display());
        } else {
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}

/// A program, ended with the test.
pub(crate) struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Three nodes on two networks.
pub(crate) struct Lab {
    dir: PathBuf,
}

impl Lab {
    /// Starts one and waits until it is well; `None`, with the reason printed,
    /// where it cannot be.
    pub(crate) fn up(name: &str) -> Option<Lab> {
        for name in ["hatsd", "hats-nim", "hats-status"] {
            program(name)?;
        }
        let dir = env::temp_dir().join(format!("hats-alerting-lab-{name}-{}", std::process::id()));
        let lab = Lab { dir };
        let output = lab.run(&["up", "--nodes", "3", "--networks", "2"]);
        if output.status.success() {
            wait_for("every adapter to be up", || {
                lab.log_lines("\"event\":\"adapter.up\"").len() == 3 * 6
            });
            return Some(lab);
        }
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        let reasons =
            ["not permitted", "is missing", "may not be opened", "no more user namespaces"];
        assert!(reasons.iter().any(|words| error.contains(words)), "{error}");
        println!("skipped: {error}");
        None
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(LAB).arg("--dir").arg(&self.dir).args(arguments).output().unwrap()
    }

    pub(crate) fn done(&self, line: &str) {
        let output = self.run(&line.split_whitespace().collect::<Vec<_>>());
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Every node's log.
    pub(crate) fn logs(&self) -> impl Iterator<Item = PathBuf> {
        ["n1", "n2", "n3"].into_iter().map(|node| self.dir.join(node).join("hatsd.log"))
    }

    /// Every node's socket.
    pub(crate) fn sockets(&self) -> impl Iterator<Item = PathBuf> {
        ["n1", "n2", "n3"].into_iter().map(|node| self.dir.join(node).join("hats.sock"))
    }

    /// How many subscribers of this name the daemons have.
    pub(crate) fn subscribers(&self, name: &str) -> usize {
        let count = |socket| {
            let status = Path::new(LAB).with_file_name("hats-status");
            let mut command = Command::new(status);
            let output = command.arg("--socket").arg(socket).args(["subscribers", "-o", "line"]);
            let output = output.output().unwrap();
            String::from_utf8_lossy(&output.stdout).matches(name).count()
        };
        self.sockets().map(count).sum()
    }

    /// Every node's log, as a pattern.
    pub(crate) fn log_pattern(&self) -> PathBuf {
        self.dir.join("n*/hatsd.log")
    }

    /// The lines of all logs that have these words.
    pub(crate) fn log_lines(&self, words: &str) -> Vec<String> {
        let read = |log| fs::read_to_string(log).unwrap_or_default();
        let has = |line: &&str| line.contains(words);
        self.logs()
            .flat_map(|log| read(log).lines().filter(has).map(str::to_owned).collect::<Vec<_>>())
            .collect()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.run(&["down"]);
        let _ = fs::remove_dir_all(&self.dir);
    }
}
