//! The settings in force, as `--check-config` prints them: a file that says
//! the same with nothing left out.

use std::{fmt, fmt::Write as _};

use hats_config::duration;

use super::Settings;

impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted = |text: &str| format!("{text:?}");
        writeln!(f, "[cluster]\nname = {}\n", quoted(&self.cluster))?;
        if let Some(node) = &self.node {
            writeln!(f, "[node]\nname = {}\n", quoted(node))?;
        }
        writeln!(f, "[detection]\nprofile = {}", quoted(self.profile.word()))?;
        let detection = &self.detection;
        let show = |duration| quoted(&duration::show(duration));
        writeln!(f, "heartbeat_interval = {}", show(detection.heartbeat_interval))?;
        writeln!(f, "sensitivity = {}", detection.sensitivity)?;
        writeln!(f, "probe_timeout = {}", show(detection.probe_timeout))?;
        writeln!(
            f,
            "# detection time {}, verdict within {}",
            duration::show(detection.detection_time()),
            duration::show(detection.verdict_bound()),
        )?;
        writeln!(f, "\n[nim]\nrealtime_priority = {}", self.realtime_priority)?;
        writeln!(f, "lock_memory = {}", self.lock_memory)?;
        writeln!(f, "\n[reference]\ndefault_gateway = {}", self.default_gateway)?;
        if let Some(listen) = self.metrics.listen {
            writeln!(f, "\n[metrics]\nlisten = \"{listen}\"")?;
        }
        let (size_mb, age) = (self.journal.bytes >> 20, show(self.journal.age));
        writeln!(f, "\n[journal]\nsize_mb = {size_mb}\nage = {age}")?;
        if self.networks.is_empty() {
            writeln!(f, "\n# no [[network]]: one for each subnet found")?;
        }
        for network in &self.networks {
            writeln!(f, "\n[[network]]\nname = {}", quoted(&network.name))?;
            if let Some(subnet) = network.subnet {
                writeln!(f, "subnet = \"{subnet}\"")?;
            }
            if !network.interfaces.is_empty() {
                writeln!(f, "interfaces = {:?}", network.interfaces)?;
            }
            writeln!(f, "mode = {}", quoted(network.mode.word()))?;
            if let Some(group) = network.group {
                writeln!(f, "group = \"{group}\"")?;
            }
            writeln!(f, "port = {}", network.port)?;
            writeln!(f, "peers = {}", list(&network.peers))?;
            writeln!(f, "reference_targets = {}", list(&network.reference_targets))?;
        }
        for adapter in &self.adapters {
            writeln!(f, "\n[[adapter]]\ninterface = {}", quoted(&adapter.interface))?;
            if let Some(address) = adapter.address {
                writeln!(f, "address = \"{address}\"")?;
            }
            if let Some(network) = &adapter.network {
                writeln!(f, "network = {}", quoted(network))?;
            }
            writeln!(f, "required_targets = {}", list(&adapter.required_targets))?;
        }
        Ok(())
    }
}

fn list<T: fmt::Display>(items: &[T]) -> String {
    let mut out = String::from("[");
    for (number, item) in items.iter().enumerate() {
        let comma = if number == 0 { "" } else { ", " };
        // Writing to a String cannot fail.
        let _ = write!(out, "{comma}\"{item}\"");
    }
    out + "]"
}
