use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors that connections may not use: they are for upstream connections, files, the runtime and the listening
/// socket.
const RESERVE: u64 = 64;

/// Raises the soft limit of open files to the hard limit, and returns the new soft limit.
pub fn raise_descriptor_limit() -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: maximum,
        maximum,
    };
    // The kernel refuses a hard limit that is above its own maximum for processes; the soft limit then stays.
    let limit = setrlimit(Resource::Nofile, raised).map_or(current, |()| maximum);
    limit.unwrap_or(u64::MAX)
}

/// How many connections this many descriptors allow: all but the reserve, or half if there are few.
pub(super) fn connections(descriptors: u64) -> usize {
    let reserve = RESERVE.min(descriptors / 2);
    usize::try_from(descriptors - reserve).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_are_kept_back_however_few_there_are() {
        for (descriptors, allowed) in [(0, 0), (1, 1), (24, 12), (128, 64), (1024, 960)] {
            assert_eq!(connections(descriptors), allowed, "{descriptors}");
        }
    }
}
