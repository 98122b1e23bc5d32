"""Several models that answer together."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn

from grnet.models import _catalogue
from grnet.models._heads import Head


@dataclass(frozen=True)
class EnsembleConfig:
    """Which models make up an :class:`Ensemble`.

    Parameters
    ----------
    members
        Name and config of each member, as plain values.

    Examples
    --------
    >>> import grnet as gn
    >>> gn.models.EnsembleConfig((("SequenceCNN", {"n_outputs": 2}),)).head
    'binary'
    """

    members: tuple[tuple[str, Mapping[str, Any]], ...]

    @property
    def head(self) -> Head:
        """What the members answer."""
        head: Head = self.members[0][1].get("head", "binary")
        return head


class Ensemble(nn.Module):
    """The mean of the logits of several models.

    Parameters
    ----------
    config
        Its members, as :meth:`of` writes them.

    Raises
    ------
    ValueError
        If there is no member, or they have different heads.

    Notes
    -----
    A convolutional network and gapped k-mers err on different sequences: of four sets measured,
    their mean was above both on one and second on three, and nowhere far below the better.

    Examples
    --------
    >>> import grnet as gn
    >>> import torch
    >>> both = gn.models.Ensemble.of([gn.models.SequenceCNN(), gn.models.SequenceCNNLSTM()]).eval()
    >>> both(torch.zeros(2, 50, dtype=torch.uint8)).shape
    torch.Size([2, 1])
    """

    def __init__(self, config: EnsembleConfig) -> None:
        super().__init__()
        if not config.members:
            message = "An ensemble needs members: the list of models is empty."
            raise ValueError(message)
        heads = sorted({str(values.get("head", "binary")) for _, values in config.members})
        if len(heads) > 1:
            message = f"Members of an ensemble must answer alike, but have the heads {heads}."
            raise ValueError(message)
        self.config = EnsembleConfig(tuple((name, dict(values)) for name, values in config.members))
        self.members = nn.ModuleList(_catalogue.built(name, dict(v)) for name, v in config.members)

    @classmethod
    def of(cls, models: Sequence[nn.Module]) -> "Ensemble":
        """Join models that are trained.

        Parameters
        ----------
        models
            Models of ``gn.models`` with one head and the same outputs; their weights are copied.

        Returns
        -------
        Ensemble

        Raises
        ------
        ValueError
            If there is none, or one is not of ``gn.models``.

        Examples
        --------
        >>> import grnet as gn
        >>> len(gn.models.Ensemble.of([gn.models.SequenceCNN()]).members)
        1
        """
        configs: list[Any] = [model.config for model in models]
        named = [
            (type(model).__name__, asdict(config))
            for model, config in zip(models, configs, strict=True)
        ]
        joined = cls(EnsembleConfig(tuple(named)))
        for member, model in zip(joined.members, models, strict=True):
            member.load_state_dict(model.state_dict())
        return joined.train(models[0].training)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the mean logits of the members."""
        out: torch.Tensor = torch.stack([member(x) for member in self.members]).mean(0)
        return out
