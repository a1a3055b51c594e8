"""How state looks: columns and lines as data, made by pure functions.

No Textual here. A view says which text stands where and in which tone; `widgets` paint it.
"""
