//! umockdev from Rust: a mock /sys and /dev for this process and its children, ioctls answered by closures, uevents.
#![expect(unsafe_code, reason = "umockdev is a C library")]

use std::ffi::{CStr, CString, c_char, c_int, c_long, c_ulong, c_void};
use std::fs::File;
use std::os::fd::BorrowedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::thread;

#[repr(C)]
struct GError {
    domain: u32,
    code: c_int,
    message: *const c_char,
}

#[repr(C)]
struct IoctlData {
    gobject: [usize; 3],
    data: *mut u8,
    len: c_int,
    client_addr: c_ulong,
}

type Object = *mut c_void;

/// A file system in memory.
const MEMORY: &str = "/dev/shm";

#[link(name = "umockdev")]
unsafe extern "C" {
    fn umockdev_in_mock_environment() -> c_int;
    fn umockdev_testbed_new() -> Object;
    fn umockdev_testbed_get_root_dir(bed: Object) -> *mut c_char;
    fn umockdev_testbed_add_from_string(bed: Object, text: *const c_char, error: *mut *mut GError) -> c_int;
    fn umockdev_testbed_uevent(bed: Object, path: *const c_char, action: *const c_char);
    fn umockdev_testbed_remove_device(bed: Object, path: *const c_char);
    fn umockdev_testbed_get_dev_fd(bed: Object, node: *const c_char) -> c_int;
    fn umockdev_testbed_attach_ioctl(
        bed: Object,
        node: *const c_char,
        handler: Object,
        error: *mut *mut GError,
    ) -> c_int;
    fn umockdev_testbed_detach_ioctl(bed: Object, node: *const c_char, error: *mut *mut GError) -> c_int;
    fn umockdev_ioctl_base_new() -> Object;
    fn umockdev_ioctl_client_get_request(client: Object) -> c_ulong;
    fn umockdev_ioctl_client_get_arg(client: Object) -> *mut IoctlData;
    fn umockdev_ioctl_client_complete(client: Object, result: c_long, errno: c_int);
    fn umockdev_ioctl_data_resolve(
        data: *mut IoctlData,
        offset: usize,
        len: usize,
        error: *mut *mut GError,
    ) -> *mut IoctlData;
}

#[link(name = "gobject-2.0")]
unsafe extern "C" {
    fn g_signal_connect_data(
        object: Object,
        signal: *const c_char,
        callback: *const c_void,
        data: Object,
        destroy: *const c_void,
        flags: c_int,
    ) -> c_ulong;
    fn g_object_ref(object: Object) -> Object;
    fn g_object_unref(object: Object);
}

#[link(name = "glib-2.0")]
unsafe extern "C" {
    fn g_free(memory: *mut c_void);
}

/// Answers an ioctl: its request number and its argument, as many bytes as the number says. Ok: what the call
/// returns; Err: its errno. It may block: then the ioctls of this node wait, those of others do not.
pub(crate) type IoctlHandler = Box<dyn FnMut(u32, &mut [u8]) -> Result<i64, i32> + Send>;

/// A mock /sys and /dev. One in a process: it sets an environment variable that the preload library reads.
pub(crate) struct Testbed(Object);

// SAFETY: umockdev's testbed takes calls from any thread, one at a time; tests share it by reference only there.
unsafe impl Send for Testbed {}
// SAFETY: as above.
unsafe impl Sync for Testbed {}

impl Testbed {
    /// An empty machine. Needs the preload library (see `preload`).
    pub(crate) fn new() -> Self {
        // In memory, where there is such a place: on a busy disk each removal of a device takes tens of milliseconds.
        let in_memory = std::path::Path::new(MEMORY).is_dir() && std::env::var_os("TMPDIR").is_none();
        // SAFETY: plain constructor; the environment is checked after it, as umockdev demands. The variable is set only
        // for its time, before the test has started a thread that could read it.
        let (bed, mocked) = unsafe {
            if in_memory {
                std::env::set_var("TMPDIR", MEMORY);
            }
            let made = (umockdev_testbed_new(), umockdev_in_mock_environment());
            if in_memory {
                std::env::remove_var("TMPDIR");
            }
            made
        };
        assert!(mocked != 0, "the preload library of umockdev is not loaded");
        Self(bed)
    }

    /// The directory that stands for `/`.
    pub(crate) fn root(&self) -> PathBuf {
        // SAFETY: a string that the caller frees.
        unsafe {
            let text = umockdev_testbed_get_root_dir(self.0);
            let root = CStr::from_ptr(text).to_str().unwrap().into();
            g_free(text.cast());
            root
        }
    }

    /// Adds devices in umockdev's text form; each is announced by an `add` event.
    pub(crate) fn add(&self, description: &str) {
        let text = CString::new(description).unwrap();
        let mut error = std::ptr::null_mut();
        // SAFETY: a valid string; the error is read only where the call says it failed.
        unsafe {
            let added = umockdev_testbed_add_from_string(self.0, text.as_ptr(), &raw mut error);
            assert!(
                added != 0,
                "{}",
                CStr::from_ptr((*error).message).to_string_lossy()
            );
        }
    }

    /// Announces something of a device: `add`, `change`, `remove`, `bind`, `unbind`.
    pub(crate) fn uevent(&self, syspath: &str, action: &str) {
        let (path, action) = (CString::new(syspath).unwrap(), CString::new(action).unwrap());
        // SAFETY: valid strings.
        unsafe { umockdev_testbed_uevent(self.0, path.as_ptr(), action.as_ptr()) }
    }

    /// Removes a device and everything below it, without an event.
    pub(crate) fn remove(&self, syspath: &str) {
        // umockdev looks for this attribute, and its preload library keeps count of each vain opening below /dev, where
        // the testbed lies: after 50 it gives up. The link that it names is found only without the line's end.
        let number = self.root().join(syspath.trim_start_matches('/')).join("dev");
        let text = if number.exists() {
            std::fs::read_to_string(&number).unwrap()
        } else {
            String::new()
        };
        std::fs::write(number, text.trim_end()).unwrap();
        let path = CString::new(syspath).unwrap();
        // SAFETY: a valid string.
        unsafe { umockdev_testbed_remove_device(self.0, path.as_ptr()) }
    }

    /// The other end of a node: what is written here can be read there, and the other way round.
    pub(crate) fn other_end(&self, node: &str) -> File {
        let node = CString::new(node).unwrap();
        // SAFETY: a valid string; the testbed keeps its descriptor, of which this is a copy.
        unsafe {
            let end = umockdev_testbed_get_dev_fd(self.0, node.as_ptr());
            assert!(end >= 0, "{node:?} is no node");
            BorrowedFd::borrow_raw(end).try_clone_to_owned().unwrap().into()
        }
    }

    /// Answers the ioctls of a node from now on.
    pub(crate) fn attach(&self, node: &str, handler: IoctlHandler) {
        let node = CString::new(node).unwrap();
        // The handler lives as long as the process, which is that of one test.
        let handler: Object = Box::into_raw(Box::new(Mutex::new(handler))).cast();
        // SAFETY: the callback has the signature of the signal; handler stays valid for ever.
        unsafe {
            let base = umockdev_ioctl_base_new();
            let callback = on_ioctl as *const c_void;
            g_signal_connect_data(
                base,
                c"handle-ioctl".as_ptr(),
                callback,
                handler,
                std::ptr::null(),
                0,
            );
            let attached = umockdev_testbed_attach_ioctl(self.0, node.as_ptr(), base, std::ptr::null_mut());
            assert!(attached != 0, "no ioctls for {node:?}");
        }
    }

    /// No ioctls of a node are answered any more.
    pub(crate) fn detach(&self, node: &str) {
        let node = CString::new(node).unwrap();
        // SAFETY: a valid string.
        unsafe { umockdev_testbed_detach_ioctl(self.0, node.as_ptr(), std::ptr::null_mut()) };
    }
}

impl Drop for Testbed {
    fn drop(&mut self) {
        // SAFETY: the only reference; removes its directory.
        unsafe { g_object_unref(self.0) }
    }
}

/// An ioctl that waits for its answer.
struct Waiting {
    client: Object,
    request: u32,
    data: *mut u8,
    len: usize,
}

// SAFETY: umockdev leaves the data alone until it is told that the ioctl is complete, from any thread.
unsafe impl Send for Waiting {}

impl Waiting {
    fn answer(self, handler: &Mutex<IoctlHandler>) {
        let mut nothing = [];
        let bytes = if self.data.is_null() {
            &mut nothing[..]
        } else {
            // SAFETY: resolved memory of this size, not freed before the ioctl is complete.
            unsafe { std::slice::from_raw_parts_mut(self.data, self.len) }
        };
        let mut handler = handler.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = catch_unwind(AssertUnwindSafe(|| handler(self.request, bytes)));
        // Only what no handler answers with: its panic is in the test's output.
        let (result, errno) = match answer.unwrap_or(Err(c_int::MAX)) {
            Ok(result) => (result, 0),
            Err(errno) => (-1, errno),
        };
        // SAFETY: a live client, held by the reference that is given back here.
        unsafe {
            umockdev_ioctl_client_complete(self.client, result, errno);
            g_object_unref(self.client);
        }
    }
}

extern "C" fn on_ioctl(_base: Object, client: Object, handler: Object) -> c_int {
    // SAFETY: umockdev calls with a live client and the handler given to it, which lives for ever.
    unsafe {
        let handler: &'static Mutex<IoctlHandler> = &*handler.cast();
        let request = u32::try_from(umockdev_ioctl_client_get_request(client) & 0xffff_ffff).unwrap();
        let size = (request >> 16) as usize & 0x3fff;
        let argument = umockdev_ioctl_client_get_arg(client);
        let data = umockdev_ioctl_data_resolve(argument, 0, size, std::ptr::null_mut());
        let (data, len) = match data.as_ref() {
            Some(data) => (data.data, usize::try_from(data.len).unwrap()),
            None => (std::ptr::null_mut(), 0),
        };
        let waiting = Waiting {
            client: g_object_ref(client),
            request,
            data,
            len,
        };
        // All nodes share one thread of umockdev's: what blocks must not block there.
        thread::spawn(move || waiting.answer(handler));
    }
    1
}
