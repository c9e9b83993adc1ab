//! What is not in a page as it arrives, and is made in the browser.
//!
//! What the server rendered is brought to life by code that the browser needs besides the code
//! that makes it. Where nothing is rendered by the server, that code is only weight.

use std::future::Future;

use leptos::children::TypedChildrenFn;
use leptos::prelude::*;
use leptos::tachys::html::attribute::Attribute;
use leptos::tachys::html::attribute::any_attribute::AnyAttribute;
use leptos::tachys::hydration::Cursor;
use leptos::tachys::renderer::Rndr;
use leptos::tachys::view::add_attr::AddAnyAttr;
use leptos::tachys::view::{Position, PositionState, Render, RenderHtml};

/// A view that the server leaves out.
#[derive(Clone, Debug)]
pub struct Fresh<V>(pub V);

impl<V: Render> Render for Fresh<V> {
    type State = V::State;

    fn build(self) -> Self::State {
        self.0.build()
    }

    fn rebuild(self, state: &mut Self::State) {
        self.0.rebuild(state);
    }
}

impl<V: Render + Send + 'static> AddAnyAttr for Fresh<V> {
    type Output<SomeNewAttr: Attribute> = Self;

    fn add_any_attr<NewAttr: Attribute>(self, _attr: NewAttr) -> Self::Output<NewAttr> {
        self
    }
}

impl<V: Render + Send + 'static> RenderHtml for Fresh<V> {
    type AsyncOutput = Self;
    type Owned = Self;

    const MIN_LENGTH: usize = "<!>".len();

    fn dry_resolve(&mut self) {}

    fn resolve(self) -> impl Future<Output = Self> + Send {
        std::future::ready(self)
    }

    fn to_html_with_buf(
        self,
        buf: &mut String,
        position: &mut Position,
        _escape: bool,
        _mark_branches: bool,
        _extra_attrs: Vec<AnyAttribute>,
    ) {
        buf.push_str("<!>");
        *position = Position::NextChild;
    }

    fn hydrate<const FROM_SERVER: bool>(self, cursor: &Cursor, position: &PositionState) -> Self::State {
        let place = cursor.next_placeholder(position);
        position.set(Position::NextChild);
        let mut state = self.build();
        Rndr::mount_before(&mut state, place.as_ref());
        state
    }

    fn into_owned(self) -> Self::Owned {
        self
    }
}

/// Children that come and go in the browser: `Show` for what is not there at first.
#[component(transparent)]
pub fn Later<W, C>(when: W, children: TypedChildrenFn<C>) -> impl IntoView
where
    W: Fn() -> bool + Send + Sync + 'static,
    C: IntoView + 'static,
{
    let is_there = ArcMemo::new(move |_| when());
    let children = children.into_inner();
    move || is_there.get().then(|| Fresh(children()))
}
