//! Reports of a host about itself: tables for people, JSON for programs.

use std::path::Path;
use std::time::{Duration, SystemTime};

use serde::Serialize;

use super::host::{Host, LONG, SHORT};
use super::{Failure, output};
use crate::protocol::{Deployed, Deployments, Empty, Generations, Record, Request, Status};

pub(super) fn stop(host: &Host<'_>) -> Result<(), Failure> {
    let Empty {} = host
        .tell(Request::Stop, LONG)
        .map_err(|error| host.failed(error))?;
    host.say("its words are stopped until the next deployment or restart");
    Ok(())
}

pub(super) fn status(host: &Host<'_>, json: bool) -> Result<(), Failure> {
    let status = host.status()?;
    if json {
        return print(host, &status);
    }
    let mut rows = vec![
        vec!["host".to_owned(), status.environment.clone()],
        vec!["runs".to_owned(), shown(&status.current)],
        vec!["release".to_owned(), release(status.release.as_ref())],
        vec!["boots".to_owned(), boots(&status)],
    ];
    if let Some(last) = &status.last {
        let state = if status.under_way { "under way" } else { "last" };
        rows.push(vec![
            state.to_owned(),
            format!("{}: {}", date(last.begun), outcome(last)),
        ]);
    }
    rows.extend(status.words.into_iter().map(|(word, says)| vec![word, says]));
    table(&rows);
    Ok(())
}

fn boots(status: &Status) -> String {
    let default = status.default.as_deref();
    let what = match default {
        Some(default) if default == status.current => "the same".to_owned(),
        Some(default) => shown(default),
        None => "the system that the machine was installed with".to_owned(),
    };
    match status.generation {
        Some(number) => format!("{what}, generation {number}"),
        None => what,
    }
}

pub(super) fn list(host: &Host<'_>, json: bool) -> Result<(), Failure> {
    let generations: Generations = host
        .ask(Request::List, SHORT)
        .map_err(|error| host.failed(error))?;
    if json {
        return print(host, &generations);
    }
    let mut rows = vec![header(["generation", "made", "", "release", "system"])];
    rows.extend(generations.generations.iter().map(|one| {
        let mark = match (one.current, one.default) {
            (true, true) => "runs, boots",
            (true, false) => "runs",
            (false, true) => "boots",
            (false, false) => "",
        };
        vec![
            one.number.to_string(),
            date(one.made),
            mark.to_owned(),
            release(one.release.as_ref()),
            shown(&one.system),
        ]
    }));
    table(&rows);
    Ok(())
}

pub(super) fn log(host: &Host<'_>, json: bool) -> Result<(), Failure> {
    let deployments: Deployments = host
        .ask(Request::Log, SHORT)
        .map_err(|error| host.failed(error))?;
    if json {
        return print(host, &deployments);
    }
    let mut rows = vec![header(["deployment", "begun", "release", "outcome"])];
    rows.extend(deployments.deployments.iter().map(|one| {
        let what = match (&one.release, one.generation) {
            (release_, Some(generation)) => format!("back to {generation}: {}", release(release_.as_ref())),
            (release_, None) => release(release_.as_ref()),
        };
        vec![one.id.clone(), date(one.begun), what, outcome(one)]
    }));
    table(&rows);
    Ok(())
}

fn outcome(record: &Record) -> String {
    let mut text = record.state.to_string();
    if let Some(reason) = &record.reason {
        text = format!("{text}: {reason}");
    }
    if let Some(force) = &record.force {
        text = format!("{text} (forced: {force})");
    }
    text
}

fn release(deployed: Option<&Deployed>) -> String {
    deployed.map_or_else(
        || "unknown".to_owned(),
        |deployed| {
            let commit: String = deployed.commit.chars().take(12).collect();
            format!("{} of {commit}, {}", deployed.version, deployed.reference)
        },
    )
}

fn date(seconds: u64) -> String {
    let time = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds));
    time.filter(|_| seconds < 253_402_300_800).map_or_else(
        || seconds.to_string(),
        |time| humantime::format_rfc3339_seconds(time).to_string(),
    )
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

fn header<const N: usize>(names: [&str; N]) -> Vec<String> {
    names.map(str::to_owned).into()
}

/// Prints rows in columns; the last column has no width.
fn table(rows: &[Vec<String>]) {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
    };
    let widths: Vec<_> = (0..columns.saturating_sub(1)).map(width).collect();
    for row in rows {
        let widths = widths.iter().copied().chain([0]);
        let cells: Vec<_> = row
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{:width$}", output::clean(cell)))
            .collect();
        output::line(&cells.join("  "));
    }
}

fn print(host: &Host<'_>, value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(|error| host.failed(error))?;
    output::block(&text);
    Ok(())
}
