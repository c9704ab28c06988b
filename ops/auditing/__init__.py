"""`ugc audit`: was anything lost or counted twice?"""
