//! The configuration file: read, checked, and shown back.
//!
//! Every key is optional; `docs/configuration.md` says what each means. A
//! file with a mistake is refused as a whole, with every mistake named.

mod detection;
mod metrics;
mod network;
mod params;
mod show;

#[cfg(test)]
mod tests;

use std::{
    collections::BTreeSet,
    io::{self, IsTerminal as _},
    net::IpAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use hats_config::{At, Refused, Section};
use hats_core::config::{Detection, Mode, Profile};
use ipnet::IpNet;

use crate::journal::Limits;
pub(crate) use metrics::Metrics;

/// The file that is read when none is named.
pub(crate) const DEFAULT_FILE: &str = "/etc/hats/hatsd.toml";

/// The port of a network that names none (cthats in the register of ports).
pub(crate) const DEFAULT_PORT: u16 = 12347;

/// The longest name of a cluster, node or network, in characters.
const NAME_MAX: usize = 64;

/// What the file says, with defaults for what it does not say.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Settings {
    /// Where it was read from.
    pub(crate) file: Option<PathBuf>,
    /// The cluster's name.
    pub(crate) cluster: String,
    /// The node's name; none: the host name.
    pub(crate) node: Option<String>,
    /// The profile that the detection values come from where not overridden.
    pub(crate) profile: Profile,
    /// The values in force.
    pub(crate) detection: Detection,
    /// None: one per subnet found.
    pub(crate) networks: Vec<Network>,
    /// What is said of single interfaces.
    pub(crate) adapters: Vec<Adapter>,
    /// 0: NIMs run with normal scheduling.
    pub(crate) realtime_priority: u8,
    /// NIMs keep their memory resident.
    pub(crate) lock_memory: bool,
    /// Where a network has no reference target, the default gateway is it.
    pub(crate) default_gateway: bool,
    /// Where metrics are served besides the socket.
    pub(crate) metrics: Metrics,
    /// The keys that the file has.
    pub(crate) given: BTreeSet<String>,
    /// How much of the past is kept on disk; `bytes` is 0: nothing.
    pub(crate) journal: Limits,
}

/// A `[[network]]`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Network {
    pub(crate) name: String,
    pub(crate) subnet: Option<IpNet>,
    pub(crate) interfaces: Vec<String>,
    pub(crate) mode: Mode,
    /// None: derived from the subnet.
    pub(crate) group: Option<IpAddr>,
    pub(crate) port: u16,
    pub(crate) peers: Vec<IpAddr>,
    pub(crate) reference_targets: Vec<IpAddr>,
}

/// An `[[adapter]]`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Adapter {
    pub(crate) interface: String,
    pub(crate) address: Option<IpAddr>,
    pub(crate) network: Option<String>,
    pub(crate) required_targets: Vec<IpAddr>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            file: None,
            cluster: "hats".to_owned(),
            node: None,
            profile: Profile::Default,
            detection: Profile::Default.detection(),
            networks: Vec::new(),
            adapters: Vec::new(),
            realtime_priority: 0,
            lock_memory: false,
            default_gateway: true,
            metrics: Metrics::default(),
            given: BTreeSet::new(),
            journal: Limits { bytes: 16 << 20, age: Duration::from_secs(7 * 86_400) },
        }
    }
}

impl Settings {
    /// The priority of NIMs where the file says none.
    fn preset_priority(&self) -> u8 {
        if self.detection.detection_time() < QUICK { QUICK_PRIORITY } else { 0 }
    }
}

/// Below this detection time a host that is busy for a moment would miss it:
/// NIMs are scheduled before others unless the configuration says otherwise.
const QUICK: Duration = Duration::from_millis(200);
/// Enough to come before everything that is not real-time itself.
const QUICK_PRIORITY: u8 = 10;

/// With less the journal is empty before anybody can ask.
const JOURNAL_AGE_MIN: Duration = Duration::from_secs(60);

/// Settings and what is unwise about them, as text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Loaded {
    pub(crate) settings: Settings,
    pub(crate) warnings: String,
}

/// Reads `named`, or the default file if there is one.
pub(crate) fn load(named: Option<&Path>) -> Result<Loaded, Refused> {
    let path = named.unwrap_or(Path::new(DEFAULT_FILE));
    match hats_config::read(path) {
        Ok(text) => parse(path, &text, io::stderr().is_terminal()),
        Err(error) if error.kind() == io::ErrorKind::NotFound && named.is_none() => {
            Ok(Loaded { settings: Settings::default(), warnings: String::new() })
        }
        Err(error) => Err(hats_config::unreadable(path, &error)),
    }
}

/// The settings that `text` says.
pub(crate) fn parse(path: &Path, text: &str, colour: bool) -> Result<Loaded, Refused> {
    let accepted = hats_config::parse(path, text, colour, settings)?;
    let mut settings = accepted.value;
    settings.file = Some(path.to_owned());
    settings.given = accepted.given;
    Ok(Loaded { settings, warnings: accepted.warnings })
}

fn settings(root: &Section<'_, '_>) -> Settings {
    let mut settings = Settings::default();
    if let Some(section) = root.table("cluster") {
        if let Some(name) = name(&section, "name") {
            settings.cluster = name.value;
        }
        section.finish();
    }
    if let Some(section) = root.table("node") {
        settings.node = name(&section, "name").map(|name| name.value);
        section.finish();
    }
    if let Some(section) = root.table("detection") {
        (settings.profile, settings.detection) = detection::read(&section);
        section.finish();
    }
    if let Some(section) = root.table("reference") {
        if let Some(gateway) = section.boolean("default_gateway") {
            settings.default_gateway = gateway.value;
        }
        section.finish();
    }
    if let Some(section) = root.table("metrics") {
        settings.metrics = metrics::read(&section);
        section.finish();
    }
    let mut realtime_priority = None;
    if let Some(section) = root.table("nim") {
        if let Some(priority) = section.integer("realtime_priority", 0, 99) {
            realtime_priority = u8::try_from(priority.value).ok();
        }
        if let Some(lock) = section.boolean("lock_memory") {
            settings.lock_memory = lock.value;
        }
        section.finish();
    }
    if let Some(section) = root.table("journal") {
        if let Some(size) = section.integer("size_mb", 0, 4096) {
            settings.journal.bytes = u64::from(size.value) << 20;
        }
        if let Some(age) = section.duration("age") {
            if age.value < JOURNAL_AGE_MIN {
                section.source().error(age.wrong(section.source(), "expected at least 1m"));
            }
            settings.journal.age = age.value;
        }
        section.finish();
    }
    settings.realtime_priority = realtime_priority.unwrap_or(settings.preset_priority());
    (settings.networks, settings.adapters) = network::read(root);
    settings
}

/// A name of a cluster, node or network.
fn name(section: &Section<'_, '_>, key: &'static str) -> Option<At<String>> {
    let name = section.text(key)?;
    let reason = if name.value.is_empty() {
        "expected a name, it is empty"
    } else if name.value.chars().count() > NAME_MAX {
        "expected a name of at most 64 characters"
    } else if name.value.chars().any(char::is_control) {
        "expected a name of printable characters"
    } else if name.value.contains(',') {
        "expected a name without commas, which separate names in events"
    } else if name.value.trim() != name.value {
        "expected a name that neither begins nor ends with a space"
    } else {
        return Some(name);
    };
    section.source().error(name.wrong(section.source(), reason));
    None
}
