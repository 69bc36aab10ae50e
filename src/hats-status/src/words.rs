//! Numbers and foreign text as people read them.

use std::time::Duration;

/// Text from elsewhere, fit for a terminal: a control character could move the
/// cursor or forge a line.
pub(crate) fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// How long ago, in at most two units: `0.4s`, `12s`, `1m12s`, `3h05m`, `6d02h`.
pub(crate) fn age(ms: u64) -> String {
    let seconds = ms / 1_000;
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    if seconds == 0 {
        format!("0.{}s", ms / 100)
    } else if minutes == 0 {
        format!("{seconds}s")
    } else if hours == 0 {
        format!("{minutes}m{:02}s", seconds % 60)
    } else if days == 0 {
        format!("{hours}h{:02}m", minutes % 60)
    } else {
        format!("{days}d{:02}h", hours % 24)
    }
}

/// A length of time in the unit that suits it: `1.2 s`, `250 ms`, `0.21 ms`.
pub(crate) fn span(us: u64) -> String {
    let (unit_us, unit) = if us >= 1_000_000 { (1_000_000, "s") } else { (1_000, "ms") };
    // Three figures are enough, and none is lost of what people configure.
    let hundredths = (us % unit_us) * 100 / unit_us;
    let fraction = if hundredths == 0 {
        String::new()
    } else {
        format!(".{hundredths:02}").trim_end_matches('0').to_owned()
    };
    format!("{}{fraction} {unit}", us / unit_us)
}

/// A part of a whole: `0 %`, `0.03 %`, `12 %`.
pub(crate) fn share(part: u64, of: u64) -> String {
    let hundredths = part.saturating_mul(10_000) / of.max(1);
    match (part, hundredths) {
        (0, _) => "0 %".to_owned(),
        (_, 0) => "<0.01 %".to_owned(),
        (_, 1..1_000) => format!("{}.{:02} %", hundredths / 100, hundredths % 100),
        _ => format!("{} %", hundredths / 100),
    }
}

/// `250ms`, `2s`, `15m`, `2h`, `7d`: a whole number and its unit.
pub(crate) fn parse_span(text: &str) -> Result<Duration, String> {
    let expected = || format!("'{text}' is no time: expected a number and ms, s, m, h or d");
    let unit_start = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(expected)?;
    let (number, unit) = text.split_at(unit_start);
    let number: u64 = number.parse().map_err(|_| expected())?;
    let unit_ms = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(expected()),
    };
    let ms = number.checked_mul(unit_ms).ok_or_else(expected)?;
    if ms == 0 || ms > SPAN_MAX_MS {
        return Err(format!("'{text}' is out of range: expected 1ms to 3650d"));
    }
    Ok(Duration::from_millis(ms))
}

/// A state as it is written in tables or in the protocol: `down`, `DOWN`, `left
/// out`, `absent`. Whether there is such a state depends on what is shown.
pub(crate) fn parse_state(text: &str) -> Result<String, String> {
    let word = text.trim().to_ascii_lowercase().replace([' ', '-'], "_");
    match word.as_str() {
        "" => Err("expected a state such as down".to_owned()),
        // What tables call it.
        "absent" => Ok("waiting".to_owned()),
        _ => Ok(word),
    }
}

const SPAN_MAX_MS: u64 = 3_650 * 86_400_000;

/// A cause in words, for when the daemon gives none.
pub(crate) fn cause(cause: &str) -> &str {
    match cause {
        "transmit" => "sends nothing that others hear, still receives",
        "receive" => "hears nothing, others still hear it",
        "both" => "neither sends nor receives",
        "link_down" => "no carrier",
        "address_lost" => "its address is gone",
        "removed" => "the interface is gone",
        "node_down" => "the node has failed",
        "daemon_down" => "the daemon has failed, the host lives",
        "nim_failed" => "the process that owns it has failed",
        "targets_unreachable" => "none of its required targets answers",
        "unreachable" => "nothing answers, and there is no other network to ask over",
        "left" => "left on purpose",
        "maintenance" => "under maintenance",
        other => other,
    }
}

/// What is probably wrong and what to try, for when the daemon does not say.
pub(crate) fn hint(kind: &str, cause: Option<&str>) -> &'static str {
    match (kind, cause) {
        (_, Some("transmit")) => {
            "Likely the cable's or switch port's receive side, or an outgoing firewall rule; \
             look at the switch port's error counters, then swap the cable."
        }
        (_, Some("receive")) => {
            "Likely an incoming firewall rule, rp_filter, or the transmit side of the switch port; \
             try tcpdump on the interface, then look at nft and sysctl."
        }
        (_, Some("both")) => {
            "Likely the switch port, a wrong VLAN or a firewall; compare the port's VLAN with a \
             healthy one, then move the cable to another port."
        }
        (_, Some("link_down")) => {
            "The cable is out, the switch port is off or the transceiver has failed; \
             try `ip link` and ethtool on the node."
        }
        (_, Some("address_lost" | "removed")) => {
            "Something on the node reconfigured the interface; \
             look at its network manager's log and `ip addr`."
        }
        (_, Some("targets_unreachable")) => {
            "The link is there, what it leads to is not; look at the uplink behind it (of the \
             virtual switch), and whether the targets are up."
        }
        (_, Some("nim_failed")) => "Look at hatsd's log on that node for why hats-nim ended.",
        (_, Some("node_down" | "unreachable")) => {
            "The host is off, hung or cut off; try its console."
        }
        (_, Some("daemon_down")) => {
            "The host answers, its hatsd does not; try `systemctl status hatsd` there."
        }
        ("path", _) => {
            "Both adapters are well, something between the two drops their traffic; \
             compare MAC tables, ACLs and trunks between their switches."
        }
        ("partition", _) => {
            "A switch or the link between two switches has failed; \
             look at what the two sides do not share."
        }
        ("network", _) => "The switch that carries this network has likely failed.",
        ("inconclusive", _) => {
            "There was no third voice; configure reference_targets or a second network."
        }
        _ => "Look at the evidence above.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_have_at_most_two_units() {
        let shown = [0, 999, 1_000, 59_999, 60_000, 72_000, 3_600_000, 86_399_999, 525_600_000]
            .map(age)
            .join(" ");
        assert_eq!(shown, "0.0s 0.9s 1s 59s 1m00s 1m12s 1h00m 23h59m 6d02h");
    }

    #[test]
    fn spans_keep_what_people_configure() {
        let shown =
            [0, 210, 5_000, 62_500, 250_000, 1_000_000, 1_200_000, 8_000_000, 1_120_000].map(span);
        assert_eq!(
            shown.join(", "),
            "0 ms, 0.21 ms, 5 ms, 62.5 ms, 250 ms, 1 s, 1.2 s, 8 s, 1.12 s"
        );
    }

    #[test]
    fn a_time_needs_its_unit_and_must_fit() {
        assert_eq!(parse_span("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(parse_span("2h"), Ok(Duration::from_secs(7_200)));
        assert_eq!(parse_span("3650d"), Ok(Duration::from_secs(3_650 * 86_400)));
        for wrong in ["", "2", "s", "0s", "-1s", "1.5s", "2 s", "3651d", "99999999999999999999d"] {
            assert!(parse_span(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_state_may_be_given_as_a_table_shows_it() {
        for (shown, word) in
            [("down", "down"), ("DOWN", "down"), ("absent", "waiting"), ("left out", "left_out")]
        {
            assert_eq!(parse_state(shown).as_deref(), Ok(word));
        }
        assert!(parse_state("").is_err());
    }

    #[test]
    fn a_name_cannot_move_the_cursor_or_forge_a_line() {
        assert_eq!(clean("n1\x1b[2J\nn2"), "n1?[2J?n2");
    }
}
