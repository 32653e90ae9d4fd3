"""Operations: what the keeper tells of itself, and what stops it.

Whatever happens is an event (`events`), emitted on a `Bus`. Its listeners write logs, count metrics, send alerts and draw the
live view; one that fails is counted and the keeper goes on. What stops the keeper (`kill_switch`, `breakers`) is no
mere listener: it is asked right before anything is signed, and fails closed.
"""
