"""The callback protocol of scikit-learn 1.9; a no-op with earlier versions."""

from __future__ import annotations

from typing import Any

__all__ = ["CallbackSupportMixin"]

try:
    from sklearn.callback import CallbackSupportMixin
except ImportError:  # scikit-learn before 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """No-op replacement for scikit-learn's callback support."""

        def _init_callback_context(self, **_: Any) -> _NoCallbacks:
            return _NoCallbacks()


class _NoCallbacks:
    def subcontext(self, **_: Any) -> _NoCallbacks:
        return self

    def call_on_fit_task_begin(self, **_: Any) -> None:
        pass

    def call_on_fit_task_end(self, **_: Any) -> bool:
        return False
