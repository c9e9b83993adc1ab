//! Parts of a page that wait for data.

use std::future::Future;

use leptos::prelude::*;
use leptos::tachys::reactive_graph::OwnedView;

/// The view `future` gives, rendered with the contexts of the place where it stands.
///
/// A bare `Suspend` renders what it waited for outside of its owner, where
/// contexts are missing or, under load, those of another request.
pub fn deferred<F, V>(future: F) -> impl IntoView + use<F, V>
where
    F: Future<Output = V> + Send + 'static,
    V: IntoView + 'static,
{
    Suspend::new(async move { OwnedView::new(future.await.into_view()) })
}
