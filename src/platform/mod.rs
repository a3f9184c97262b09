//! What only Linux has, and what stands in for it on other systems. Production is Linux; macOS is for development.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(all(unix, not(target_os = "linux")))]
mod other;

#[cfg(target_os = "linux")]
pub(crate) use linux::*;
#[cfg(all(unix, not(target_os = "linux")))]
pub(crate) use other::*;

/// What the system tells of this process. What it does not tell is left out.
#[derive(Debug, Default)]
pub(crate) struct Usage {
    /// User and system time.
    pub(crate) cpu_seconds: Option<f64>,
    /// Memory in RAM, in bytes.
    pub(crate) resident: Option<f64>,
    /// Address space, in bytes.
    pub(crate) address_space: Option<f64>,
    /// Open file descriptors.
    pub(crate) open_files: Option<f64>,
}
