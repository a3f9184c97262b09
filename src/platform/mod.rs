//! Features that only Linux has, and their replacements on other systems. Production is Linux; macOS is for
//! development.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(all(unix, not(target_os = "linux")))]
mod other;

#[cfg(target_os = "linux")]
pub(crate) use linux::*;
#[cfg(all(unix, not(target_os = "linux")))]
pub(crate) use other::*;

/// The resource usage of this process. Values that the system does not report are none.
#[derive(Debug, Default)]
pub(crate) struct Usage {
    /// User and system time.
    pub(crate) cpu_seconds: Option<f64>,
    /// Resident memory, in bytes.
    pub(crate) resident: Option<f64>,
    /// Address space, in bytes.
    pub(crate) address_space: Option<f64>,
    /// Open file descriptors.
    pub(crate) open_files: Option<f64>,
}
