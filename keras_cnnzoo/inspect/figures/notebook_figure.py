"""A matplotlib figure that can show itself in a notebook or a window."""

import io
import sys
import warnings
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


class NotebookFigure(Figure):
    """A figure that is not registered with pyplot until it is shown.

    As the last expression of a notebook cell, it is drawn below the cell.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The Agg canvas needs no screen, and does not change pyplot's state.
        FigureCanvasAgg(self)

    def _repr_png_(self) -> bytes:
        file = io.BytesIO()
        self.savefig(file, format="png")
        return file.getvalue()

    def show(self, warn: bool = True) -> None:
        """Show the figure in the notebook, or in a window if there is a screen."""
        if (ipython := sys.modules.get("IPython")) and ipython.get_ipython():
            from IPython.display import display

            display(self)
            return
        from matplotlib import pyplot

        if pyplot.get_backend().lower() == "agg":
            if warn:
                warnings.warn(
                    "There is no screen to show the figure on. Save it: "
                    'figure.savefig("name.png").',
                    stacklevel=2,
                )
            return
        manager = pyplot.figure().canvas.manager
        assert manager is not None
        manager.canvas.figure = self
        self.set_canvas(manager.canvas)
        manager.show()
