"""A figure of matplotlib that shows itself, in a notebook and in a window."""

import io
import sys
import warnings
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


class NotebookFigure(Figure):
    """A figure that pyplot knows nothing of, until it is shown.

    As the last line of a notebook's cell it is drawn under the cell.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The canvas of Agg draws without a screen and leaves pyplot's state alone.
        FigureCanvasAgg(self)

    def _repr_png_(self) -> bytes:
        file = io.BytesIO()
        self.savefig(file, format="png")
        return file.getvalue()

    def show(self, warn: bool = True) -> None:
        """Draw the figure in the notebook, or in a window where there is a screen."""
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
