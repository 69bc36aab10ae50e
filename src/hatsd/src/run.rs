//! Starting, waiting, stopping.

use std::{
    future::poll_fn,
    io,
    path::Path,
    time::{Duration, Instant},
};

use hats_core::{config::Config, time::Timestamp};
use hats_proto::ipc::Welcome;
use hats_sys::{LinkWatcher, Timer, set_realtime};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::mpsc,
};

use crate::{
    Failure,
    cli::Cli,
    clock,
    config::Settings,
    daemon::{Daemon, Shell},
    discovery,
    identity::{self, Identity, Seed},
    ipc::{self, Endpoint, Hub, OpenError, Readers},
    journal::{self, Journal, Limits},
    log::{Format, Log},
    metrics::{self, Metrics},
    nim::{self, Nims},
    systemd::Systemd,
};

/// Requests of subscribers that are looked at before the adapters' turn; after
/// one that needs a snapshot taken it is their turn at once.
const REQUESTS_PER_TURN: usize = 32;

/// Being this late, there may be more to read than the runtime knows of.
const UNHEARD: Duration = Duration::from_millis(2);

/// How long leaving may take.
const LEAVE_WAIT: Duration = Duration::from_secs(1);

/// How long subscribers may take to read the last events.
const LAST_EVENTS_WAIT: Duration = Duration::from_millis(200);

/// Why the loop went round.
enum Woke {
    /// A NIM has said something, or ended.
    Nims,
    Timer,
    /// The interfaces have changed.
    Links,
    Request(ipc::Input),
    /// A scrape wants a snapshot.
    Metrics(metrics::Ask),
    Stop,
}

/// Descriptors for all subscribers and NIMs there may be.
const DESCRIPTORS: u64 = 4096;

/// Runs the daemon until it is told to stop.
pub(crate) async fn run(cli: &Cli, settings: Settings) -> Result<(), Failure> {
    // First of all: from now on a signal means leave, not die.
    let stop = Stop::new().map_err(Failure::other)?;
    raise_descriptors();
    let program = nim::find_program().map_err(Failure::other)?;
    let node_name = match &settings.node {
        Some(name) => name.clone(),
        None => host_name()?,
    };
    let (endpoint, listener) =
        Endpoint::open(&cli.socket).map_err(|error| socket_failure(&error))?;
    if let Some(warning) = &endpoint.warning {
        tracing::warn!("{}: {warning}", endpoint.path().display());
    }
    let links = LinkWatcher::new().await.map_err(Failure::other)?;
    let identity = identify(cli, &node_name, &links)?;
    let log = Log::open(cli.log.unwrap_or_else(default_format))
        .map_err(|error| Failure::other(format!("the journal cannot be written: {error}")))?;
    let config = Config {
        cluster: settings.cluster.clone(),
        node: node_name,
        node_id: identity.node_id,
        incarnation: identity.incarnation,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        detection: settings.detection,
        realtime_priority: settings.realtime_priority,
        lock_memory: settings.lock_memory,
    };
    let journal = open_journal(cli, &settings, &identity);
    let welcome = Welcome {
        version: 1,
        daemon_version: config.version.clone(),
        cluster: config.cluster.clone(),
        node: config.node.clone(),
        epoch: config.incarnation.0,
        next_seq: 0,
        pid: std::process::id(),
    };
    let hub = Hub::new(welcome, Readers::of_host(), journal.as_ref().map(Journal::archive));
    let nims = Nims::new(program, config.detection.detection_time());
    let requests = ipc::start(listener).map_err(Failure::other)?;
    let metrics = metrics::start(&cli.socket, settings.metrics.listen).await;
    for warning in &metrics.warnings {
        tracing::warn!("{warning}");
    }
    run_on_time(settings.realtime_priority);
    let shell = Shell { log, journal, hub, nims };
    let daemon = Daemon::new(settings, config, shell, clock::now());
    serve(daemon, links, Asked { requests, metrics }, stop).await?;
    drop(endpoint);
    drop(identity);
    Ok(())
}

/// The signals that mean stop.
struct Stop {
    terminate: Signal,
    interrupt: Signal,
    /// Caught so that it does not end the daemon: a terminal that goes away, or
    /// a log rotation, is no reason to leave the cluster.
    _hangup: Signal,
}

impl Stop {
    fn new() -> io::Result<Self> {
        Ok(Stop {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            _hangup: signal(SignalKind::hangup())?,
        })
    }

    async fn told(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// The usual limit is a thousand, which subscribers alone may need.
fn raise_descriptors() {
    let raised = getrlimit(Resource::RLIMIT_NOFILE).and_then(|(soft, hard)| {
        let wanted = DESCRIPTORS.min(hard);
        if soft < wanted { setrlimit(Resource::RLIMIT_NOFILE, wanted, hard) } else { Ok(()) }
    });
    if let Err(error) = raised {
        tracing::debug!("the limit of descriptors stays: {error}");
    }
}

/// A daemon that waits for the CPU while its NIMs have it judges others late, and
/// counts as late itself: it runs as they do, but after both threads of each where the
/// priority leaves room. Its own other threads (subscribers, journal, log) run as usual.
fn run_on_time(nim_priority: u8) {
    if nim_priority > 0
        && let Err(error) = set_realtime(nim_priority.saturating_sub(2).max(1))
    {
        tracing::warn!("{error}");
    }
}

fn identify(cli: &Cli, node: &str, links: &LinkWatcher) -> Result<Identity, Failure> {
    let interfaces = links.table().iter().filter(|interface| !interface.is_loopback);
    let macs = interfaces.map(|interface| interface.mac.clone()).collect();
    let identity = identity::establish(cli.state_dir.as_deref(), &Seed::of_host(node, macs))
        .map_err(Failure::other)?;
    if let Some(warning) = &identity.warning {
        tracing::warn!("{warning}");
    }
    Ok(identity)
}

/// The events of earlier runs, where the state directory is this daemon's. No
/// reason not to run: it is said, and events are kept in memory only.
fn open_journal(cli: &Cli, settings: &Settings, identity: &Identity) -> Option<Journal> {
    let mut tail = cli.socket.as_os_str().to_owned();
    tail.push(".tail");
    let tail = Path::new(&tail);
    let dir = identity.dir.as_ref().map(|dir| dir.join("events"));
    let journal = kept_journal(settings.journal, dir.as_deref(), tail, identity.incarnation.0);
    if journal.is_none()
        && let Err(error) = journal::skip(dir.as_deref(), tail, identity.incarnation.0)
    {
        let tail = tail.display();
        tracing::warn!("a later run will not know that this one keeps no events: {tail}: {error}");
    }
    journal
}

fn kept_journal(limits: Limits, dir: Option<&Path>, tail: &Path, epoch: u64) -> Option<Journal> {
    let dir = dir.filter(|_| limits.bytes > 0)?;
    match Journal::open(journal::Place { dir, tail, limits }, epoch) {
        Ok((journal, warnings)) => {
            for warning in warnings {
                tracing::warn!("{warning}");
            }
            Some(journal)
        }
        Err(error) => {
            let dir = dir.display();
            tracing::warn!("events are not kept: the journal in {dir} cannot be opened: {error}");
            None
        }
    }
}

fn default_format() -> Format {
    if io::IsTerminal::is_terminal(&io::stdout()) { Format::Text } else { Format::Json }
}

fn host_name() -> Result<String, Failure> {
    let name = nix::unistd::gethostname().map_err(Failure::other)?;
    let name = name.to_string_lossy().into_owned();
    if name.is_empty() {
        return Err(Failure::other("this host has no name, expected one in [node] name"));
    }
    Ok(name)
}

fn socket_failure(error: &OpenError) -> Failure {
    match error {
        OpenError::Io { error: source, path, .. } if is_permission(source) => Failure::io(
            format!(
                "{error}; run as root, or choose a --socket in a directory of yours instead of {}",
                path.display()
            ),
            source,
        ),
        OpenError::Io { .. } | OpenError::Served { .. } | OpenError::NotASocket { .. } => {
            Failure::other(error)
        }
    }
}

fn is_permission(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::PermissionDenied
}

/// What the world asks.
struct Asked {
    requests: mpsc::Receiver<ipc::Input>,
    metrics: Metrics,
}

/// The loop: one look at the clock each time round.
async fn serve(
    mut daemon: Daemon,
    mut links: LinkWatcher,
    mut asked: Asked,
    mut stop: Stop,
) -> Result<(), Failure> {
    let systemd = Systemd::from_environment();
    let timer = Timer::new().map_err(Failure::other)?;

    let mut now = clock::now();
    daemon.interfaces(&discovery::interfaces(links.table()), now);
    daemon.turn(now);
    daemon.nims.flush(now);
    systemd.ready();
    let mut alive_at = systemd.watchdog().map(|every| now + every);
    let mut leave_by: Option<Timestamp> = None;
    let mut armed: Option<Timestamp> = None;
    loop {
        let deadlines = [daemon.next_deadline(), alive_at, leave_by];
        let deadline = deadlines.into_iter().flatten().min();
        if deadline != armed {
            timer.set(deadline.map(|at| at.0)).map_err(Failure::other)?;
            armed = deadline;
        }
        let woke = wait(&mut daemon, &timer, &mut links, &mut asked, &mut stop).await?;
        if matches!(woke, Woke::Timer) {
            armed = None;
        }
        let before = now;
        now = clock::now();
        if let Some(lateness) = lateness(before, deadline, now) {
            daemon.late(lateness, now);
            if lateness > UNHEARD {
                // What arrived while this process was not scheduled is seen by
                // the runtime when it looks again, and must count first.
                tokio::task::yield_now().await;
            }
        }
        daemon.turn(now);
        // Requests can take long; what was decided does not wait for them.
        daemon.nims.flush(now);
        match woke {
            Woke::Nims | Woke::Timer => {}
            Woke::Links => {
                daemon.interfaces(&discovery::interfaces(links.table()), now);
                // Starts the NIMs of what is new.
                daemon.turn(now);
            }
            Woke::Request(request) => {
                take_requests(&mut daemon, request, &mut asked.requests, now);
            }
            Woke::Metrics(ask) => {
                // Whoever asked may have gone.
                let _ = ask.send(daemon.scrape(now));
            }
            Woke::Stop if leave_by.is_some() => break,
            Woke::Stop => {
                systemd.stopping();
                daemon.leave(now);
                leave_by = Some(now + LEAVE_WAIT);
            }
        }
        if let Some(every) = systemd.watchdog()
            && alive_at.is_some_and(|at| at <= now)
        {
            systemd.alive();
            alive_at = Some(now + every);
        }
        daemon.nims.flush(now);
        if leave_by.is_some_and(|by| by <= now || daemon.has_left()) {
            break;
        }
    }
    last_events(&daemon).await;
    daemon.end(clock::now()).await;
    Ok(())
}

/// How late this process woke at `now`, if its deadline has come. What was due
/// already when it last looked at the clock, `before`, was to be done from then
/// on: that it had come up long ago is nobody's lateness.
fn lateness(before: Timestamp, deadline: Option<Timestamp>, now: Timestamp) -> Option<Duration> {
    deadline.filter(|at| *at <= now).map(|at| now.since(at.max(before)))
}

async fn wait(
    daemon: &mut Daemon,
    timer: &Timer,
    links: &mut LinkWatcher,
    asked: &mut Asked,
    stop: &mut Stop,
) -> Result<Woke, Failure> {
    // In no order when several have come, so that a NIM that never stops
    // talking keeps nobody else waiting; NIMs are heard first in each turn.
    tokio::select! {
        () = poll_fn(|cx| daemon.nims.poll_ready(cx)) => Ok(Woke::Nims),
        expired = timer.expired() => expired.map(|()| Woke::Timer).map_err(Failure::other),
        changed = links.changed() => changed.map(|()| Woke::Links).map_err(Failure::other),
        () = stop.told() => Ok(Woke::Stop),
        Some(request) = asked.requests.recv() => Ok(Woke::Request(request)),
        Some(ask) = asked.metrics.asks.recv() => Ok(Woke::Metrics(ask)),
    }
}

fn take_requests(
    daemon: &mut Daemon,
    first: ipc::Input,
    requests: &mut mpsc::Receiver<ipc::Input>,
    now: Timestamp,
) {
    let mut is_enough = daemon.connection(first, now);
    for _ in 1..REQUESTS_PER_TURN {
        if is_enough {
            return;
        }
        let Ok(request) = requests.try_recv() else { return };
        is_enough = daemon.connection(request, now);
    }
}

/// Lets subscribers have what has been queued for them.
async fn last_events(daemon: &Daemon) {
    let until = Instant::now() + LAST_EVENTS_WAIT;
    while !daemon.hub.is_drained() && Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn a_process_that_wakes_after_its_deadline_is_late_by_so_much() {
        let [before, due, now] = [10, 11, 14].map(|at| Timestamp(at * SECOND));
        assert_eq!(lateness(before, Some(due), now), Some(Duration::from_secs(3)));
        assert_eq!(lateness(before, Some(now), due), None);
        assert_eq!(lateness(before, None, now), None);
    }

    #[test]
    fn what_became_due_before_anybody_looked_makes_nobody_late() {
        let [due, before, now] = [2, 10, 11].map(|at| Timestamp(at * SECOND));
        assert_eq!(lateness(before, Some(due), now), Some(Duration::from_secs(1)));
    }
}
