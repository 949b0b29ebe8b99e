//! Work gives way to the window: what is computed in the background must not take the processor from what is painted.

/// How much less than the window background work gets where both want the processor: about a tenth (`man 2 nice`).
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

/// Lowers the priority of the calling thread. Elsewhere than on Linux the system decides.
pub fn give_way() {
    #[cfg(target_os = "linux")]
    {
        // On Linux the call is for the thread, not for the process. Not allowed to be nice: then it competes, no more.
        let _ = rustix::process::setpriority_process(None, NICE);
    }
}

/// Makes the threads that computations are spread over give way, too. Only the first call of a process counts.
pub fn spread_politely() {
    // The pool may be there already: tests share it between windows.
    let _ = rayon::ThreadPoolBuilder::new().start_handler(|_| give_way()).build_global();
}
